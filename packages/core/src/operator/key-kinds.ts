import { MillraceError } from '../errors/errors.ts'
import { crc32 } from '../codec/crc32.ts'
import type { Key } from '../record/key.ts'

/** With more kinds than this an operator's keys have no comparable type. */
const kindsMax = 32

const anyKind = 'any'

/** The kinds of key that an operator has had, and the hash of the selector that they came from. */
export interface SeenKeys {
  readonly operator: string
  readonly kinds: readonly string[]
  readonly selector: string | null
}

/** The key selectors of an operator, by input. An input without one is broadcast. */
export type KeySelectors = readonly (((value: unknown) => Key) | undefined)[]

/** What is known about an operator's keys at a start. */
export interface KeyKindsOptions {
  /** The kinds in the checkpoint. */
  readonly restored: readonly string[]
  /** The mark of the selector that they came from; null: none. */
  readonly restoredSelector: string | null
  /** The mark of this program's selector. */
  readonly selector: string | null
  /** Whether the operator has any state now. */
  readonly hasState: () => boolean
  readonly warn: (message: string) => void
}

/**
 * Identifies the key selectors of an operator by their source text, input by input; null for an operator
 * without a key. Variables that a selector reads are not in its text, so two that differ only there look the
 * same.
 */
export function selectorMark(selectors: KeySelectors): string | null {
  if (selectors.length === 0) return null
  return crc32(
    new TextEncoder().encode(
      selectors
        .filter((selector) => selector !== undefined)
        .map(String)
        .join('\n'),
    ),
  )
    .toString(16)
    .padStart(8, '0')
}

/**
 * The kinds of key that one subtask of an operator has had: "string", "object {card, shop}". They are part of
 * a checkpoint.
 *
 * `keyBy` is a function, so only records show that a changed program has keys of another type. Such keys
 * would find none of the restored state. So if the selector has changed, the first key after a restore must
 * be of a kind that the state has keys of; after that, new kinds are added. The same selector may return keys
 * of several kinds, none of which is in the checkpoint yet, so then another kind is only a warning.
 *
 * A check costs a comparison for keys of one primitive type, and an iteration over the field names for
 * composite keys. `null` has no kind: it is a key of any type.
 */
export class KeyKinds {
  readonly #operator: string
  readonly #options: KeyKindsOptions
  readonly #kinds: Set<string>
  /** Whether no key of a restored kind has arrived yet. */
  #isUnproven: boolean
  /**
   * Whether a string, or a number, has arrived: most keys are one or the other, and then there is nothing
   * more to check.
   */
  #hasText = false
  #hasNumber = false
  /** The length of the last array. */
  #length = -1
  /** Field names of the last object, in its own order. */
  #fields: readonly string[] | undefined

  constructor(operator: string, options: KeyKindsOptions) {
    const { restored } = options
    this.#operator = operator
    this.#options = options
    this.#kinds = new Set(restored)
    this.#isUnproven = restored.length > 0 && !restored.includes(anyKind)
  }

  /** In the order of their arrival. */
  list(): readonly string[] {
    return [...this.#kinds]
  }

  /** The mark of the selector that the kinds are known to be of. */
  get selector(): string | null {
    const { restoredSelector, selector } = this.#options
    return this.#isUnproven ? restoredSelector : selector
  }

  /**
   * Records the key of a record. Throws `CHECKPOINT_INCOMPATIBLE` if the restored state has keys of other
   * kinds only.
   */
  see(key: Key): void {
    if (typeof key === 'string' ? this.#hasText : typeof key === 'number' && this.#hasNumber) return
    this.#look(key)
  }

  #look(key: Key): void {
    if (key === null) return
    if (typeof key !== 'object') {
      this.#note(typeof key)
      this.#hasText ||= typeof key === 'string'
      this.#hasNumber ||= typeof key === 'number'
    } else if (Array.isArray(key)) {
      if (key.length === this.#length) return
      this.#length = key.length
      this.#note(`array of ${key.length}`)
    } else if (key instanceof Uint8Array) {
      this.#note('bytes')
    } else {
      if (this.#fields !== undefined && hasFields(key, this.#fields)) return
      this.#fields = Object.keys(key)
      this.#note(`object {${this.#fields.toSorted().join(', ')}}`)
    }
  }

  #note(kind: string): void {
    const kinds = this.#kinds
    if (kinds.has(kind)) {
      this.#isUnproven = false
      return
    }
    if (this.#isUnproven) this.#meet(kind)
    if (kinds.size < kindsMax) kinds.add(kind)
    else kinds.add(anyKind)
  }

  /** Handles a first key after a restore whose kind the checkpoint does not have. */
  #meet(kind: string): void {
    const { hasState, restoredSelector, selector, warn } = this.#options
    const text = `the checkpoint has keys of type ${this.list().join(' and ')}, and the first key of this program has type ${kind}`
    if (!hasState()) this.#kinds.clear()
    else if (selector !== restoredSelector) throw this.#incompatible(text)
    else warn(`operator '${this.#operator}': ${text}. If the type has changed, no key finds its state`)
    this.#isUnproven = false
  }

  #incompatible(text: string): MillraceError {
    const name = this.#operator
    return new MillraceError(
      'CHECKPOINT_INCOMPATIBLE',
      `the keys of operator '${name}' have another type than its state: ${text}, so it would find no state. Nothing was committed. Key by the same type as before, or drop the state with --drop-state ${name}`,
      { place: name },
    )
  }
}

/** Whether an object has exactly these fields, in this order. */
function hasFields(key: object, fields: readonly string[]): boolean {
  let at = 0
  for (const name in key) if (name !== fields[at++]) return false
  return at === fields.length
}
