import { isSecret } from '../errors/secret.ts'
import { describeValue } from '../errors/safe-json.ts'
import type { RecordHeaders } from '../record/headers.ts'

/** What is shown instead of a hidden value. */
const mask = '***'
/** A value has so many characters at most, a text in it so many, a list or an object so many elements, and so many levels. */
const charactersMax = 8_192
const textMax = 1_000
const nameMax = 200
const elementsMax = 100
const depthMax = 12
/** A longer text is not searched for names that are hidden, and hidden as a whole. */
const searchedMax = 100_000

/**
 * Makes JSON of values of a running job, for people: a bounded copy, without what is hidden. Never throws.
 *
 * What JSON has no form for is an object with one field, as in the state of operators: `$bigint`, `$date`, `$bytes` (their number),
 * `$map`, `$set`, and `$text` for anything else, also for what was cut.
 *
 * With names to hide, the values of fields and headers with these names are `***`, at any depth and in any case of letters. What has no
 * name that would say what it is is hidden as well: keys, records that are a bare text or number, and their lists. So is a text
 * that has one of the names in it, because it may be a record that was not parsed yet.
 */
export class ShownValues {
  /** In lower case. */
  readonly #hidden: readonly string[]
  #left = 0

  constructor(hidden: readonly string[]) {
    this.#hidden = hidden.map((name) => name.toLowerCase()).filter((name) => name !== '')
  }

  value(value: unknown): unknown {
    this.#left = charactersMax
    return this.#each(value, 0, !this.#isHiding)
  }

  key(key: unknown): unknown {
    return this.#isHiding ? mask : this.value(key)
  }

  headers(headers: RecordHeaders | undefined): Readonly<Record<string, unknown>> {
    if (headers === undefined) return {}
    this.#left = charactersMax
    return this.#fields(Object.entries(headers), 0)
  }

  get #isHiding(): boolean {
    return this.#hidden.length > 0
  }

  /** `isNamed`: whether a name on the way to the value says that it may be shown. */
  #each(value: unknown, depth: number, isNamed: boolean): unknown {
    this.#left -= 4
    if (this.#left < 0) return cut
    switch (typeof value) {
      case 'string':
        return isNamed ? this.#text(value) : mask
      case 'boolean':
        return value
      case 'number':
        if (!isNamed) return mask
        return Number.isFinite(value) ? value : { $text: String(value) }
      case 'bigint':
        return isNamed ? { $bigint: String(value).slice(0, textMax) } : mask
      case 'undefined':
        return null
      case 'object':
        return value === null ? null : this.#guarded(value, depth, isNamed)
      default:
        return { $text: describeValue(value, 100) ?? typeof value }
    }
  }

  #text(text: string): string {
    if (this.#isHiding && this.#mentions(text)) return mask
    const most = Math.min(textMax, this.#left)
    const shown = text.length <= most ? text : `${text.slice(0, most).replace(/[\uD800-\uDBFF]$/, '')}…`
    this.#left -= shown.length
    return shown
  }

  #mentions(text: string): boolean {
    if (text.length > searchedMax) return true
    const lower = text.toLowerCase()
    return this.#hidden.some((name) => lower.includes(name))
  }

  /** Reading objects runs code: getters, `toJSON`, proxies. */
  #guarded(value: object, depth: number, isNamed: boolean): unknown {
    try {
      return this.#object(value, depth, isNamed)
    } catch {
      // What was thrown may say what is hidden.
      return { $text: 'cannot be read' }
    }
  }

  #object(value: object, depth: number, isNamed: boolean): unknown {
    if (isSecret(value)) return mask
    if (depth >= depthMax) {
      this.#left -= 16
      return cut
    }
    const each = (inner: unknown): unknown => this.#each(inner, depth + 1, isNamed)
    if (Array.isArray(value)) return this.#list(value, each)
    if (value instanceof Uint8Array) return { $bytes: value.length }
    if (value instanceof Map) {
      const pairs = this.#list(value, ([key, inner]) => [
        this.#isHiding ? mask : each(key),
        this.#isHiddenName(key) ? mask : each(inner),
      ])
      return { $map: pairs }
    }
    if (value instanceof Set) return { $set: this.#list(value, each) }
    const { toJSON } = value as { toJSON?: unknown }
    if (typeof toJSON === 'function') {
      const json: unknown = toJSON.call(value, '')
      const isDate = Object.prototype.toString.call(value) === '[object Date]'
      return isDate ? { $date: String(json) } : this.#each(json, depth + 1, isNamed)
    }
    if (value instanceof Error) return this.#error(value)
    return this.#fields(Object.entries(value), depth)
  }

  /** A message may have anything in it. */
  #error({ name, message }: Error): unknown {
    return { name: this.#text(name), message: this.#isHiding ? mask : this.#text(message) }
  }

  #list<T>(elements: Iterable<T>, show: (element: T) => unknown): readonly unknown[] {
    const shown: unknown[] = []
    for (const element of elements) {
      if (shown.length === elementsMax || this.#left < 0) {
        shown.push(cut)
        break
      }
      shown.push(show(element))
    }
    return shown
  }

  #fields(
    entries: readonly (readonly [string, unknown])[],
    depth: number,
  ): Readonly<Record<string, unknown>> {
    const isLetter = this.#isHiding && isDeadLetter(entries)
    const shown: [string, unknown][] = []
    for (const [name, inner] of entries) {
      if (shown.length === elementsMax || this.#left < 0) {
        shown.push(['…', cut])
        break
      }
      this.#left -= Math.min(name.length, nameMax)
      const isHidden = this.#isHiddenName(name) || (isLetter && recordOfLetter.has(name))
      shown.push([name.slice(0, nameMax), isHidden ? mask : this.#each(inner, depth + 1, true)])
    }
    // A field may be named __proto__, which an assignment would not create.
    return Object.fromEntries(shown)
  }

  #isHiddenName(name: unknown): boolean {
    return this.#isHiding && typeof name === 'string' && this.#hidden.includes(name.toLowerCase())
  }
}

const cut = { $text: '…' }

/** Where a dead letter has its record, in forms that no name says anything about. */
const recordOfLetter: ReadonlySet<string> = new Set(['key', 'value', 'raw', 'message', 'stack'])

function isDeadLetter(entries: readonly (readonly [string, unknown])[]): boolean {
  const names = new Set(entries.map(([name]) => name))
  return ['pipeline', 'operator', 'failedAt', 'raw'].every((name) => names.has(name))
}
