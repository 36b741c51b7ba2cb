/**
 * The skeleton of JSON text: everything but its values. That of `{"id":7,"name":"a"}` has the literals `{"id":`,
 * `,"name":` and `}`, with a number and a string between them. Lines that one program writes share a skeleton.
 */

/** What kind of value a slot had in the sample. Another record may have another kind there. */
export type SlotKind = 'number' | 'string' | 'word' | 'other'

/** The place of one value in the text. */
export interface Slot {
  readonly kind: SlotKind
  readonly index: number
}

/** An object of the record: its names in order, and what each has. */
export interface SkeletonObject {
  readonly names: readonly string[]
  readonly values: readonly (Slot | SkeletonObject)[]
}

/** The skeleton of a record that is an object. `literals` has one more element than there are slots. */
export interface Skeleton {
  readonly literals: readonly string[]
  readonly slots: readonly Slot[]
  readonly root: SkeletonObject
}

const slotsMax = 64
const literalCharactersMax = 2048
/** Objects inside objects are part of the skeleton down to this depth; deeper ones are values. */
export const depthMax = 4

/**
 * Names that may become part of compiled code. Escapes, controls and other alphabets are left to `JSON.parse`, and so is
 * `__proto__`, which means something else in an object literal.
 */
export const plainName: RegExp = /^(?!__proto__$)[\w$@.:/ -]{1,64}$/

/**
 * The skeleton of `text`, which must be valid JSON. Undefined if it is not an object, has a name that is unusual or is
 * there twice, or is too large.
 *
 * @example
 * skeletonOf('{"id":7}') // => literals: ['{"id":', '}'], slots: [a number]
 */
export function skeletonOf(text: string): Skeleton | undefined {
  const scan = new SkeletonScan(text)
  scan.space()
  const root = text[scan.at] === '{' ? scan.object(1) : undefined
  if (root === undefined) return undefined
  scan.space()
  return scan.skeleton(root)
}

class SkeletonScan {
  at = 0
  readonly #text: string
  readonly #literals: string[] = []
  readonly #slots: Slot[] = []
  /** Where the current literal began. */
  #from = 0
  #literalCharacters = 0

  constructor(text: string) {
    this.#text = text
  }

  skeleton(root: SkeletonObject): Skeleton | undefined {
    this.#endLiteral()
    const isSmall = this.#slots.length <= slotsMax && this.#literalCharacters <= literalCharactersMax
    // A carriage return may be a line end.
    const isPlain = this.#literals.every((literal) => /^[\t\u0020-\u007e]*$/.test(literal))
    return isSmall && isPlain && this.#slots.length > 0
      ? { literals: this.#literals, slots: this.#slots, root }
      : undefined
  }

  space(): void {
    while (' \t\n\r'.includes(this.#text[this.at] ?? '.')) this.at++
  }

  /** Reads the object that begins here. */
  object(depth: number): SkeletonObject | undefined {
    const names: string[] = []
    const values: (Slot | SkeletonObject)[] = []
    do {
      this.at++
      this.space()
      // Only an empty object has no name here.
      if (this.#text[this.at] === '}') break
      const start = this.at + 1
      this.#passString()
      const name = this.#text.slice(start, this.at - 1)
      if (!plainName.test(name) || names.includes(name) || names.length === slotsMax) return undefined
      this.space()
      this.at++
      this.space()
      const value = this.#value(depth)
      if (value === undefined) return undefined
      names.push(name)
      values.push(value)
      this.space()
    } while (this.#text[this.at] === ',')
    this.at++
    return { names, values }
  }

  #value(depth: number): Slot | SkeletonObject | undefined {
    if (
      this.#text[this.at] === '{' &&
      depth < depthMax &&
      !/^\{\s*\}/.test(this.#text.slice(this.at, this.at + 8))
    ) {
      return this.object(depth + 1)
    }
    this.#endLiteral()
    const slot: Slot = { kind: this.#passValue(), index: this.#slots.length }
    this.#slots.push(slot)
    this.#from = this.at
    return slot
  }

  #endLiteral(): void {
    const literal = this.#text.slice(this.#from, this.at)
    this.#literals.push(literal)
    this.#literalCharacters += literal.length
  }

  #passValue(): SlotKind {
    const first = this.#text[this.at]!
    if (first === '"') {
      this.#passString()
      return 'string'
    }
    if (first === '{' || first === '[') {
      this.#passBrackets()
      return 'other'
    }
    while (/[\w.+-]/.test(this.#text[this.at] ?? ' ')) this.at++
    return /[a-z]/.test(first) ? 'word' : 'number'
  }

  #passString(): void {
    this.at++
    while (this.#text[this.at] !== '"') this.at += this.#text[this.at] === '\\' ? 2 : 1
    this.at++
  }

  #passBrackets(): void {
    let open = 0
    do {
      const character = this.#text[this.at]!
      if (character === '"') this.#passString()
      else {
        if (character === '{' || character === '[') open++
        else if (character === '}' || character === ']') open--
        this.at++
      }
    } while (open > 0)
  }
}
