import { describeError } from '@millrace/core'
import { decodeJson, JsonReader } from '@millrace/core/connector'
import { Draws, drawBytes, drawLine, drawProgram } from './random-json.ts'

/** What the comparison has seen. */
export interface Comparison {
  readonly lines: number
  /** Lines that the compiled readers read. */
  readonly read: number
  /** Lines that are malformed, or that `decodeJson` refuses. */
  readonly refused: number
}

/**
 * Reads the lines of drawn programs with a `JsonReader`, as a source of files does, and compares each value with that of
 * `decodeJson`. Throws for the first line that differs.
 */
export function compareReaders(seed: number, programs: number, linesOfEach: number): Comparison {
  const draws = new Draws(seed)
  let read = 0
  let refused = 0
  for (let n = 0; n < programs; n++) {
    const mix = Array.from({ length: draws.one([1, 1, 2, 4]) }, () => drawProgram(draws))
    const damagePercent = draws.one([0, 2, 20])
    const lines = Array.from({ length: linesOfEach }, () =>
      drawBytes(drawLine(draws.one(mix), draws), damagePercent, draws),
    )
    const result = compareLines(lines, Buffer.alloc(draws.one([0, 0, 2000])))
    read += result.read
    refused += result.refused
  }
  return { lines: programs * linesOfEach, read, refused }
}

/** The same for given lines, with `rest` behind them in the buffer. */
export function compareLines(lines: readonly Buffer[], rest: Buffer): Comparison {
  const page = Buffer.concat([...lines.flatMap((line) => [line, Buffer.from('\n')]), rest])
  const limit = page.length - rest.length
  const reader = new JsonReader()
  let at = 0
  let read = 0
  let refused = 0
  for (const line of lines) {
    const end = at + line.length
    const value = reader.read(page, at, limit)
    const expected = outcome(line)
    if (expected.value === undefined) refused++
    if (value !== undefined && page[reader.end] === 0x0a) {
      read++
      if (reader.end !== end || !isSame(value, expected.value)) throw differs(line, value, expected)
    } else if (expected.value !== undefined) {
      const parsed = reader.parse(line.toString())
      if (!isSame(parsed, expected.value)) throw differs(line, parsed, expected)
    }
    at = end + 1
  }
  return { lines: lines.length, read, refused }
}

interface Outcome {
  readonly value?: unknown
  readonly error?: unknown
}

function outcome(line: Buffer): Outcome {
  try {
    return { value: decodeJson(line) }
  } catch (error) {
    return { error }
  }
}

function differs(line: Buffer, value: unknown, { value: expected, error }: Outcome): Error {
  const right = error === undefined ? JSON.stringify(expected) : describeError(error)
  return new Error(`the line ${line.toString()} was read as ${JSON.stringify(value)}, not as ${right}`)
}

/** Whether two values of JSON are equal in all that a program can see: also in -0 and the order of names. */
function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b)
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b) || Array.isArray(a) !== Array.isArray(b))
    return false
  const names = Object.keys(a)
  const others = Object.keys(b)
  return (
    names.length === others.length &&
    names.every((name, index) => name === others[index] && isSame(valueOf(a, name), valueOf(b, name)))
  )
}

function valueOf(of: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(of, name)?.value
}
