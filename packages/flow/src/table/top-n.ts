import { MillraceError, requireKnown, type Key } from '@millrace/core'
import type { OperatorParts } from '../operators/operator-parts.ts'
import type { TopNOptions } from '../stream-options.ts'
import { requireSynchronous } from '../synchronous.ts'
import { TopNOperator } from './top-n-operator.ts'

/** The parts of the node of `topN`. */
export function topNParts(name: string, isTable: boolean, options: TopNOptions<unknown, Key>): OperatorParts {
  requireKnown(`topN '${name}'`, options, ['n', 'order', 'offset', 'rank', 'onError'])
  const { n, order, offset = 0, rank = false } = options
  requireSynchronous(order, 'order of topN', name)
  if (typeof n === 'function') requireSynchronous(n, 'n of topN', name)
  else requireWhole(n, 1, `n of topN '${name}'`)
  requireWhole(offset, 0, `offset of topN '${name}'`)
  const create = (): TopNOperator => new TopNOperator({ n, order, offset, isRanked: rank, isTable })
  return {
    type: 'topN',
    fingerprint: create().fingerprint,
    outputs: [],
    keeps: isTable ? 'all rows of each group' : `the first ${rowsText(n, offset)} of each group`,
    create,
  }
}

function rowsText(n: number | ((group: Key) => number), offset: number): string {
  return typeof n === 'number' ? `${offset + n} rows` : 'rows'
}

function requireWhole(value: unknown, least: number, what: string): void {
  if (Number.isSafeInteger(value) && (value as number) >= least) return
  throw new MillraceError('OPTION_INVALID', `${what} is ${String(value)}; give a whole number from ${least}`)
}
