import type { Skeleton, SkeletonObject, Slot } from './json-skeleton.ts'
import type { JsonValueReader, TextBytes } from './json-value-reader.ts'

/**
 * Reads a record of one skeleton that begins at `start` of the reader's bytes, and sets the reader's `at` to the index
 * after it. Undefined if the record has another skeleton, is malformed or needs the checks of `parseJson`.
 */
export type ReadShape = (
  all: Uint8Array,
  view: DataView,
  bytes: TextBytes,
  start: number,
  reader: JsonValueReader,
) => unknown

/** A compiled reader of one skeleton. */
export interface JsonShape {
  /** The literals of its skeleton. */
  readonly literals: readonly string[]
  readonly read: ReadShape
  /** How many bytes behind the reader's limit it may look at. */
  readonly reach: number
}

/** Longer text is not held by the strings that are part of it. */
const sharedTextMax = 1024

let compilations = 0

/**
 * Compiles a reader for a skeleton. Names are checked by `skeletonOf`; nothing else of the data becomes source text.
 *
 * Throws an `EvalError` where code cannot be compiled.
 */
export function compileShape(skeleton: Skeleton): JsonShape {
  const { literals, slots } = skeleton
  const strings = slots.filter(({ kind }) => kind === 'string')
  const source = [
    // The number keeps V8 from reusing the cached code of another shape, with its type feedback.
    `// shape ${++compilations}`,
    'const limit = reader.limit, base = reader.base',
    'let p = start, q = 0, c = 0, x = 0, m = 0',
    ...slots.flatMap((slot, index) => [literal(literals[index]!), read(slot)]),
    literal(literals.at(-1)!),
    'if (p > limit) return undefined',
    'reader.at = p',
    ...textOf(strings),
    `return ${construct(skeleton.root)}`,
  ].join('\n')
  // oxlint-disable-next-line typescript/no-implied-eval -- fixed templates, and names that `skeletonOf` has checked
  const compiled = new Function('all', 'view', 'bytes', 'start', 'reader', source) as ReadShape
  const characters = literals.reduce((sum, { length }) => sum + length, 0)
  return { literals, read: compiled, reach: characters + slots.length * 20 + 32 }
}

/** Compares the bytes at `p` with fixed text and moves behind it. */
function literal(text: string): string {
  if (text === '') return ''
  const tests: string[] = []
  let at = 0
  for (; at + 4 <= text.length; at += 4) {
    const word = [3, 2, 1, 0].reduce((bits, byte) => (bits << 8) | text.charCodeAt(at + byte), 0)
    tests.push(`view.getInt32(p + ${at}, true) !== ${word}`)
  }
  for (; at < text.length; at++) tests.push(`all[p + ${at}] !== ${text.charCodeAt(at)}`)
  return `if (${tests.join(' || ')}) return undefined\np += ${text.length}`
}

function read({ kind, index }: Slot): string {
  const other = `v${index} = reader.value(p); if (v${index} === undefined) return undefined; p = reader.at`
  switch (kind) {
    case 'number':
      return readNumber(index)
    case 'string':
      return readString(index, other)
    case 'word':
      return `let v${index}
        if ((x = view.getInt32(p, true)) === 0x65757274) { v${index} = true; p += 4 }
        else if (x === 0x6c6c756e) { v${index} = null; p += 4 }
        else if (x === 0x736c6166 && all[p + 4] === 0x65) { v${index} = false; p += 5 }
        else { ${other} }`
    case 'other':
      return `let v${index}; ${other}`
  }
}

/** Integers of at most 15 digits are exact in any order of operations. */
function readNumber(index: number): string {
  const v = `v${index}`
  return `let ${v} = 0
    q = m = all[p] === 45 ? p + 1 : p
    while (q < m + 16 && (c = all[q] - 48) >= 0 && c <= 9) { ${v} = ${v} * 10 + c; q++ }
    if (q === m || q > m + 15 || c === -2 || (c | 32) === 53 || (all[m] === 48 && q > m + 1)) {
      ${v} = reader.value(p)
      if (${v} === undefined) return undefined
      p = reader.at
    } else {
      if (m !== p) ${v} = -${v}
      p = q
    }`
}

/**
 * Looks at four bytes at a time for one that is a quote, a backslash, a control character or no ASCII. A borrow of the
 * subtractions comes only from such a byte, so that the first one found is right.
 */
function readString(index: number, other: string): string {
  const special =
    '(x | (x - 0x20202020) | ((x ^ 0x22222222) - 0x01010101) | ((x ^ 0x5c5c5c5c) - 0x01010101)) & 0x80808080'
  return `let s${index} = 0, e${index} = 0, v${index}
    if (all[p] === 34) {
      s${index} = ++p
      x = view.getInt32(p, true)
      while ((m = ${special}) === 0 && p < limit) { p += 4; x = view.getInt32(p, true) }
      p += (31 - Math.clz32(m & -m)) >> 3
      if (all[p] === 34) e${index} = p++
      else { v${index} = reader.string(s${index}); if (v${index} === undefined) return undefined; p = reader.at }
    } else { ${other} }`
}

/** One text for all strings of the record that were found in one go: a part of a string costs less than a string. */
function textOf(strings: readonly Slot[]): string[] {
  if (strings.length === 0) return []
  if (strings.length === 1) {
    const { index } = strings[0]!
    return [`if (e${index} !== 0) v${index} = bytes.latin1Slice(s${index} - base, e${index} - base)`]
  }
  const parts = strings.map(
    ({ index }) => `if (e${index} !== 0) v${index} = t.substring(s${index} - start, e${index} - start)`,
  )
  const alone = strings.map(
    ({ index }) => `if (e${index} !== 0) v${index} = bytes.latin1Slice(s${index} - base, e${index} - base)`,
  )
  return [
    `if (p - start <= ${sharedTextMax}) {`,
    'const t = bytes.latin1Slice(start - base, p - base)',
    ...parts,
    '} else {',
    ...alone,
    '}',
  ]
}

function construct({ names, values }: SkeletonObject): string {
  const fields = names.map((name, i) => {
    const value = values[i]!
    return `${JSON.stringify(name)}: ${'names' in value ? construct(value) : `v${value.index}`}`
  })
  return `{ ${fields.join(', ')} }`
}
