import { MillraceError } from '@millrace/core'
import { isThenable, refusePromise } from '@millrace/core/operator'
import { requireFunction } from '../synchronous.ts'
import type { Aggregate } from './aggregate.ts'

/**
 * The sum of numbers; 0 without values. Undefined is ignored, any other value that is not a number is an
 * error, and NaN makes the sum NaN.
 *
 * A sum of whole numbers beyond 2^53 would be rounded silently, so it is `OPERATOR_FAILED`: use `sumBigint`.
 *
 * @example
 * { total: sum((payment) => payment.amount) }
 */
export function sum<In>(select: (value: In) => number | undefined): Aggregate<In, number, number> {
  requireFunction(select, 'the aggregate sum')
  return {
    kind: 'sum',
    version: 1,
    create: () => 0,
    add: (total, value) => {
      const term = select(value)
      return term === undefined ? total : plus(total, numeric(term, 'sum'))
    },
    merge: plus,
    result: (total) => total,
  }
}

/**
 * The sum of bigints; 0n without values. Undefined is ignored, any other value that is not a bigint is an
 * error.
 *
 * @example
 * { total: sumBigint((transfer) => transfer.wei) }
 */
export function sumBigint<In>(select: (value: In) => bigint | undefined): Aggregate<In, bigint, bigint> {
  requireFunction(select, 'the aggregate sumBigint')
  return {
    kind: 'sumBigint',
    version: 1,
    create: () => 0n,
    add: (total, value) => {
      const term = select(value)
      if (term === undefined) return total
      if (typeof term !== 'bigint') throw notA('sumBigint', 'bigint', term)
      return total + term
    },
    merge: (a, b) => a + b,
    result: (total) => total,
  }
}

/** The number itself: strings and null are not converted. */
export function numeric(value: unknown, aggregate: string): number {
  if (typeof value === 'number') return value
  throw notA(aggregate, 'number', value)
}

function plus(a: number, b: number): number {
  const total = a + b
  if (!Number.isSafeInteger(total) && Number.isSafeInteger(a) && Number.isSafeInteger(b)) {
    throw new MillraceError(
      'OPERATOR_FAILED',
      `the sum of ${a} and ${b} is beyond 2^53 and would be rounded; use sumBigint`,
    )
  }
  return total
}

function notA(aggregate: string, type: string, value: unknown): MillraceError {
  if (isThenable(value)) refusePromise(value, `the function of ${aggregate} returned`)
  const what = value === null ? 'null' : `a ${typeof value}`
  return new MillraceError(
    'OPERATOR_FAILED',
    `${aggregate} was given ${what}; its function must return a ${type}, or undefined to ignore the record`,
  )
}
