import { encodeJson } from './json.ts'
import { plainName } from './json-skeleton.ts'
import { JsonValueWriter } from './json-value-writer.ts'
import { LearnedShapes } from './learned-shapes.ts'
import { isPlainObject } from './plain-object.ts'
import type { TextBuffer } from './text-buffer.ts'

/** Writes a record with the names of one shape; false if it has others, or needs `encodeJson`. */
type WriteShape = (record: object, out: TextBuffer, values: JsonValueWriter) => boolean

/** What an object has: a value of a type by name, or an object again. */
interface ObjectShape {
  readonly names: readonly string[]
  readonly values: readonly (string | ObjectShape)[]
}

const fieldsMax = 64
const depthMax = 4

let compilations = 0

/**
 * Encodes records that look alike as JSON: it learns their names and compiles a writer that writes bytes. The text is that of
 * `encodeJson`, which also encodes all other records.
 */
export class JsonWriter {
  readonly #shapes = new LearnedShapes<WriteShape>()
  readonly #values = new JsonValueWriter()

  /** Appends the JSON text of `value`. Throws `CODEC_FAILED` as `encodeJson` does. */
  write(value: unknown, out: TextBuffer): void {
    if (typeof value !== 'object' || value === null || !isOrdinary(value)) {
      out.text(encodeJson(value))
      return
    }
    const start = out.length
    const { list } = this.#shapes
    this.#values.out = out
    for (let i = 0; i < list.length; i++) {
      if (isWritten(list[i]!, value, out, this.#values)) {
        this.#shapes.used(i)
        return
      }
      out.length = start
    }
    out.text(encodeJson(value))
    if (!this.#shapes.mayLearn()) return
    const shape = shapeOf(value, 1)
    this.#shapes.learn(shape === undefined ? undefined : () => compileWriter(shape))
  }
}

/** False also if a getter of the record throws: then `encodeJson` throws the error that names it. */
function isWritten(write: WriteShape, record: object, out: TextBuffer, values: JsonValueWriter): boolean {
  try {
    return write(record, out, values)
  } catch {
    return false
  }
}

/** Whether `JSON.stringify` writes its own enumerable fields and nothing else. */
function isOrdinary(value: object): value is Record<string, unknown> {
  return Object.getPrototypeOf(value) === Object.prototype && !('toJSON' in value)
}

function shapeOf(value: Record<string, unknown>, depth: number): ObjectShape | undefined {
  const names = Object.keys(value)
  if (names.length === 0 || names.length > fieldsMax || !names.every((name) => plainName.test(name)))
    return undefined
  const values = names.map((name) => {
    const field = value[name]
    if (typeof field !== 'object' || field === null) return typeof field
    const inner =
      depth < depthMax && isPlainObject(field) && isOrdinary(field) ? shapeOf(field, depth + 1) : undefined
    return inner ?? 'object'
  })
  return { names, values }
}

/** Names are checked by `shapeOf`; nothing else of the data becomes source text. */
function compileWriter(shape: ObjectShape): WriteShape {
  const template = new WriterTemplate()
  template.object('record', shape)
  // The number keeps V8 from reusing the cached code of another shape, with its type feedback.
  const source = `// writer ${++compilations}
    let i = 0, p = 0, start = 0
    ${template.lines.join('\n')}
    return true`
  // oxlint-disable-next-line typescript/no-implied-eval -- fixed templates, and names that `shapeOf` has checked
  return new Function('record', 'out', 'values', source) as WriteShape
}

class WriterTemplate {
  readonly lines: string[] = []
  #objects = 0
  #values = 0

  /** Each name is written with a comma before it; the first comma then becomes the bracket. */
  object(variable: string, { names, values }: ObjectShape): void {
    const id = this.#objects++
    if (id > 0) {
      this.lines.push(
        `if (typeof ${variable} !== 'object' || ${variable} === null || Object.getPrototypeOf(${variable}) !== Object.prototype || ${variable}.toJSON !== undefined) return false`,
      )
    }
    this.lines.push(
      'i = 0',
      `for (const name in ${variable}) { switch (i++) { ${names.map((name, at) => `case ${at}: if (name !== ${JSON.stringify(name)}) return false; break`).join('; ')}; default: return false } }`,
      `if (i !== ${names.length}) return false`,
      `const start${id} = out.length`,
    )
    for (const [i, name] of names.entries())
      this.#field(`${variable}[${JSON.stringify(name)}]`, name, values[i]!)
    this.lines.push(
      'out.reserve(2)',
      `if (out.length === start${id}) out.length++`,
      `out.bytes[start${id}] = 123`,
      'out.bytes[out.length++] = 125',
    )
  }

  #field(read: string, name: string, value: string | ObjectShape): void {
    const v = `v${this.#values++}`
    this.lines.push(`const ${v} = ${read}`, `if (${v} !== undefined) {`, literal(`,${JSON.stringify(name)}:`))
    if (typeof value === 'object') this.object(v, value)
    else if (value === 'number' || value === 'string' || value === 'boolean') {
      this.lines.push(
        `if (!(typeof ${v} === '${value}' ? values.${value}(${v}) : values.other(${v}))) return false`,
      )
    } else this.lines.push(`if (!values.other(${v})) return false`)
    this.lines.push('}')
  }
}

/** Writes fixed ASCII text. */
function literal(text: string): string {
  const lines = [`out.reserve(${text.length})`, 'p = out.length']
  let at = 0
  for (; at + 4 <= text.length; at += 4) {
    const word = [3, 2, 1, 0].reduce((bits, byte) => (bits << 8) | text.charCodeAt(at + byte), 0)
    lines.push(`out.view.setInt32(p + ${at}, ${word}, true)`)
  }
  for (; at < text.length; at++) lines.push(`out.bytes[p + ${at}] = ${text.charCodeAt(at)}`)
  return [...lines, `out.length = p + ${text.length}`].join('\n')
}
