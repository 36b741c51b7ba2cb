import { decodeText, parseJson } from './decode.ts'
import { compileShape, type JsonShape } from './json-shape.ts'
import { LearnedShapes } from './learned-shapes.ts'
import { skeletonOf, type Skeleton } from './json-skeleton.ts'
import { JsonValueReader, type TextBytes } from './json-value-reader.ts'

/** Text of more than this is not learned from. */
const sampleCharactersMax = 16_384

/**
 * Decodes JSON records that look alike: objects with the same names in the same order. It learns what they look like from
 * the first ones and compiles a reader for it, which costs half of `JSON.parse` or less. `parseJson` reads all others,
 * and every record in which something is unusual, so that values and errors are the same as without it.
 *
 * It needs Node's buffers. Other bytes are left to `parseJson`, as they are where code cannot be compiled.
 *
 * @example
 * const reader = new JsonReader()
 * reader.decode(Buffer.from('{"card":"4711"}')) // => { card: '4711' }
 */
export class JsonReader {
  readonly #values = new JsonValueReader()
  readonly #shapes = new LearnedShapes<JsonShape>()

  /** The index after the record that `read` has returned. */
  get end(): number {
    return this.#values.at - this.#values.base
  }

  /** Decodes a record. Throws `DECODE_FAILED` as `decodeJson` does. */
  decode(bytes: Uint8Array): unknown {
    const value = this.read(bytes, 0, bytes.length)
    return value !== undefined && this.end === bytes.length ? value : this.parse(decodeText(bytes))
  }

  /**
   * Reads the record that begins at `start` and ends at `limit` or before, and sets `end`. Undefined if its shape is not
   * known or something in it is unusual: then pass its text to `parse`.
   */
  read(bytes: Uint8Array, start: number, limit: number): unknown {
    const shapes = this.#shapes.list
    if (shapes.length === 0 || !this.#enter(bytes)) return undefined
    const values = this.#values
    const { all, view, base } = values
    for (let i = 0; i < shapes.length; i++) {
      const shape = shapes[i]!
      values.limit = Math.min(base + limit, all.length - shape.reach)
      if (values.limit <= base + start) continue
      const value = shape.read(all, view, values.bytes, base + start, values)
      if (value === undefined) continue
      this.#shapes.used(i)
      return value
    }
    return undefined
  }

  /** Parses the text of a record that `read` has not read, and learns from it. Throws `DECODE_FAILED` as `parseJson` does. */
  parse(text: string): unknown {
    const value = parseJson(text)
    if (this.#shapes.mayLearn() && text.length <= sampleCharactersMax) this.#learn(text)
    return value
  }

  /** False if the bytes cannot be turned into text in place. */
  #enter(bytes: Uint8Array): boolean {
    const values = this.#values
    if (values.bytes === bytes) return true
    if (typeof (bytes as Partial<TextBytes>).latin1Slice !== 'function') return false
    values.bytes = bytes as TextBytes
    values.base = bytes.byteOffset
    if (values.all.buffer !== bytes.buffer) {
      values.all = new Uint8Array(bytes.buffer)
      values.view = new DataView(bytes.buffer)
    }
    return true
  }

  #learn(text: string): void {
    const skeleton = skeletonOf(text)
    const isKnown = skeleton === undefined || this.#shapes.list.some((shape) => isShapeOf(shape, skeleton))
    this.#shapes.learn(isKnown ? undefined : () => compileShape(skeleton))
  }
}

function isShapeOf({ literals }: JsonShape, skeleton: Skeleton): boolean {
  return (
    literals.length === skeleton.literals.length &&
    literals.every((literal, index) => literal === skeleton.literals[index])
  )
}
