import { MillraceError } from '@millrace/core'
import { isThenable, refusePromise } from '@millrace/core/operator'
import { requireFunction } from '../synchronous.ts'
import type { Aggregate } from './aggregate.ts'

/** Comparable values: all values of one window must have the same type. */
export type Comparable = number | bigint | string

/**
 * The least value; undefined without values. Undefined is ignored, NaN makes the result NaN, and strings are
 * compared by code units.
 *
 * @example
 * { first: min((payment) => payment.at) }
 */
export function min<In, V extends Comparable | undefined>(
  select: (value: In) => V,
): Aggregate<In, V | undefined, V> {
  return extreme('min', select, (a, b) => b < a)
}

/**
 * The greatest value; undefined without values. Undefined is ignored, NaN makes the result NaN, and strings
 * are compared by code units.
 *
 * @example
 * { largest: max((payment) => payment.amount) }
 */
export function max<In, V extends Comparable | undefined>(
  select: (value: In) => V,
): Aggregate<In, V | undefined, V> {
  return extreme('max', select, (a, b) => b > a)
}

function extreme<In, V extends Comparable | undefined>(
  kind: string,
  select: (value: In) => V,
  isBetter: (best: Comparable, candidate: Comparable) => boolean,
): Aggregate<In, V | undefined, V> {
  requireFunction(select, `the aggregate ${kind}`)
  const better = (best: V | undefined, candidate: V | undefined): V | undefined => {
    if (candidate === undefined) return best
    if (best === undefined) return candidate
    if (typeof best !== typeof candidate)
      throw notComparable(kind, `a ${typeof candidate} beside a ${typeof best}`)
    // NaN compares false with everything: once present it stays, and a new one replaces any number.
    return Number.isNaN(candidate) || isBetter(best, candidate) ? candidate : best
  }
  return {
    kind,
    version: 1,
    create: () => undefined,
    isFixedSize: true,
    add: (best, value) => better(best, checked(kind, select(value))),
    merge: better,
    // A selector that never returns undefined has a value in every window.
    result: (best) => best as V,
  }
}

function checked<V extends Comparable | undefined>(kind: string, value: V): V {
  const type = typeof value
  if (type === 'number' || type === 'string' || type === 'bigint' || value === undefined) return value
  if (isThenable(value)) refusePromise(value, `the function of ${kind} returned`)
  throw notComparable(kind, value === null ? 'null' : `a ${type}`)
}

function notComparable(kind: string, what: string): MillraceError {
  return new MillraceError(
    'OPERATOR_FAILED',
    `${kind} was given ${what}; its function must return numbers, bigints or strings, one type only, or undefined to ignore the record`,
  )
}
