/**
 * One question put to several contenders that do the same work.
 *
 * All of them take turns (a b c a b c ...), so that a slow minute of the machine meets all, and what counts is the
 * median of each. The first turn warms up and does not count.
 */
import { median, report } from './measure.ts'
import type { Measurement } from './measure.ts'

/** Work that one contender does `operations` times. */
export type Shape = (operations: number) => void | Promise<void>

/** A question, who answers it, and what would be a good answer. */
export interface Question {
  readonly name: string
  readonly operations: number
  readonly ours: Shape
  /** By name; each returns what an operation cost, in nanoseconds. A rival that is not there is left out. */
  readonly rivals: Readonly<Record<string, ((operations: number) => number | Promise<number>) | undefined>>
  /** Ours must cost at most `times` as much as that rival. */
  readonly bar?: { readonly rival: string; readonly times: number } | undefined
}

/** What a shape costs per operation, in nanoseconds. */
export async function cost(shape: Shape, operations: number): Promise<number> {
  const startedAt = performance.now()
  await shape(operations)
  return ((performance.now() - startedAt) * 1e6) / operations
}

/** Puts all questions in turns, and writes the answers to standard output as JSON, for `run.ts` to read. */
export async function compare(questions: readonly Question[], turns = 9): Promise<void> {
  const samples = questions.map(() => new Map<string, number[]>())
  for (let turn = 0; turn <= turns; turn++) {
    for (const [index, { operations, ours, rivals }] of questions.entries()) {
      const note = (name: string, nanoseconds: number): void => {
        const soFar = samples[index]!.get(name) ?? []
        samples[index]!.set(name, turn === 0 ? soFar : [...soFar, nanoseconds])
      }
      note('ours', await cost(ours, operations))
      for (const [name, rival] of Object.entries(rivals)) {
        if (rival !== undefined) note(name, await rival(operations))
      }
    }
  }
  report(
    questions.map(({ name, bar }, index): Measurement => {
      const { ours = Number.NaN, ...rivals } = Object.fromEntries(
        [...samples[index]!].map(([contender, costs]) => [contender, median(costs)]),
      )
      return { name, nanoseconds: ours, runs: turns, rivals, ...(bar !== undefined && { bar }) }
    }),
  )
}
