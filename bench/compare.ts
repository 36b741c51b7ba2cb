/**
 * A question answered by several contenders that do the same work.
 *
 * They take turns (a b c a b c ...), so that a slow minute of the machine affects all, and the result is the
 * median of each. The first turn is a warm-up.
 */
import { median, report } from './measure.ts'
import type { Measurement } from './measure.ts'

/** Work of one contender, repeated `operations` times. */
export type Shape = (operations: number) => void | Promise<void>

/** Does the work `operations` times, and returns the cost of one operation in nanoseconds. */
export type Contender = (operations: number) => number | Promise<number>

/** A question, its contenders, and the cost to reach. */
export interface Question {
  readonly name: string
  readonly operations: number
  readonly ours: Contender
  /** By name. A rival that is not installed is omitted. */
  readonly rivals: Readonly<Record<string, Contender | undefined>>
  /** Our cost of the same work under other conditions, by name: added to the note. */
  readonly beside?: Readonly<Record<string, Contender>>
  /** Our cost must be at most `times` that of the rival. */
  readonly bar?: { readonly rival: string; readonly times: number } | undefined
}

/** The cost of a shape per operation, in nanoseconds. */
export async function cost(shape: Shape, operations: number): Promise<number> {
  const startedAt = performance.now()
  await shape(operations)
  return ((performance.now() - startedAt) * 1e6) / operations
}

/** A contender in this process. */
export function costOf(shape: Shape): Contender {
  return (operations) => cost(shape, operations)
}

/** Runs all questions in turns, and writes the answers to standard output as JSON for `run.ts`. */
export async function compare(questions: readonly Question[], turns = 9): Promise<void> {
  const samples = questions.map(() => new Map<string, number[]>())
  for (let turn = 0; turn <= turns; turn++) {
    for (const [index, { operations, ours, rivals, beside }] of questions.entries()) {
      const note = (name: string, nanoseconds: number): void => {
        const soFar = samples[index]!.get(name) ?? []
        samples[index]!.set(name, turn === 0 ? soFar : [...soFar, nanoseconds])
      }
      for (const [name, contender] of Object.entries({ ours, ...beside, ...rivals })) {
        if (contender !== undefined) note(name, await contender(operations))
      }
    }
  }
  report(
    questions.map(({ name, beside = {}, bar }, index): Measurement => {
      const medians = new Map(
        [...samples[index]!].map(([contender, costs]) => [contender, median(costs)] as const),
      )
      const nanoseconds = medians.get('ours') ?? Number.NaN
      const note = Object.keys(beside)
        .map((other) => `${other}: ${medians.get(other)} ns`)
        .join(', ')
      for (const other of ['ours', ...Object.keys(beside)]) medians.delete(other)
      const rivals = Object.fromEntries(medians)
      return { name, nanoseconds, runs: turns, rivals, ...(note && { note }), ...(bar && { bar }) }
    }),
  )
}
