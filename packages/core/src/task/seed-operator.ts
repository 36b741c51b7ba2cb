import type { ConnectorContext, DecodeFailure, Source } from '../connect/source.ts'
import { describeError, isMillraceError, MillraceError } from '../errors/errors.ts'
import type { Seed } from '../graph/node.ts'
import type { Chain } from '../operator/chain.ts'
import type { KeyGroupRange } from '../record/key-group.ts'
import type { TaskSurroundings } from './task.ts'

/** What seeding needs from the task of the operator. */
export interface SeedingParts {
  readonly around: Pick<TaskSurroundings, 'budget' | 'cancellation' | 'connectorContext' | 'batchRecords'>
  readonly chain: Pick<Chain, 'seed'>
  /** The key groups of the subtask. */
  readonly groups: KeyGroupRange
}

/**
 * Hands the rows of a seed to an operator that starts empty, in their order. The first checkpoint contains what it makes
 * of them: until then nothing was read, so a job that fails before begins anew.
 *
 * Rejects with `SEED_FAILED` if the rows cannot be read, or the operator does not take one.
 */
export async function seedOperator(
  operator: string,
  { id, rows, keyOf, timeOf }: Seed,
  { around, chain, groups }: SeedingParts,
): Promise<void> {
  const { budget, cancellation } = around
  const { signal } = cancellation
  const what = `seed '${id}' of operator '${operator}'`
  let taken = 0
  const take = (row: unknown): void => {
    try {
      chain.seed(operator, row, { key: keyOf(row), time: timeOf?.(row) ?? Number.NaN, groups })
      taken++
    } catch (cause) {
      const message = `${what}, row ${taken + 1}: ${describeError(cause)}`
      throw new MillraceError('SEED_FAILED', message, { cause, place: operator, isFinal: true })
    }
  }
  const turn = async (): Promise<void> => {
    if (budget.spend()) await budget.turn()
    signal.throwIfAborted()
  }
  try {
    if (typeof rows !== 'function') {
      const context = { ...around.connectorContext(`${operator}.seed`), isBounded: true }
      await readSource(rows, context, around.batchRecords, async (row) => {
        take(row)
        await turn()
      })
      return
    }
    const given = rows()
    if (Symbol.asyncIterator in given) {
      for await (const row of given) {
        take(row)
        await turn()
      }
    } else {
      for (const row of given) {
        take(row)
        await turn()
      }
    }
  } catch (cause) {
    if (signal.aborted || isMillraceError(cause, 'SEED_FAILED')) throw cause
    const message = `${what} could not be read after ${taken} rows: ${describeError(cause)}`
    throw new MillraceError('SEED_FAILED', message, { cause, place: operator })
  }
}

/** Reads everything that a source has now, split by split. */
async function readSource(
  source: Source<unknown>,
  context: ConnectorContext,
  limit: number,
  take: (row: unknown) => Promise<void>,
): Promise<void> {
  try {
    const { splits } = await source.discover(context)
    for (const split of splits) {
      const reader = await source.open(split, undefined, context)
      try {
        for (let poll = reader.poll(limit); poll.kind !== 'end'; poll = reader.poll(limit)) {
          if (poll.kind === 'pending') await reader.ready()
          else {
            const [failure] = poll.failures ?? []
            if (failure !== undefined) throw undecoded(failure)
            for (const row of poll.values) await take(row)
          }
          context.signal.throwIfAborted()
        }
      } finally {
        await reader.close()
      }
    }
  } finally {
    await source.close?.()
  }
}

function undecoded({ place, error }: DecodeFailure): MillraceError {
  return new MillraceError('CODEC_FAILED', `${place}: ${describeError(error)}`, { cause: error })
}
