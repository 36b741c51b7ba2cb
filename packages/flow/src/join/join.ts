import { durationMs, MillraceError, positiveDurationMs, type Duration } from '@millrace/core'
import type { MeetsBy } from '../connect.ts'
import type { StreamHandle } from '../handles.ts'
import type { OperatorParts } from '../operators/operator-parts.ts'
import type { AnyKeyedStream, KeyOfKeyed, ValueOfKeyed } from '../stream.ts'
import { Meeting } from '../meeting.ts'
import type { OperatorOptions } from '../stream-options.ts'
import { requireSynchronous } from '../synchronous.ts'
import type { WindowAssigner } from '../window/assigner.ts'
import { AsOfJoinOperator } from './as-of-join-operator.ts'
import { IntervalJoinOperator, type Combine, type JoinKind } from './interval-join-operator.ts'
import type {
  AsOfJoin,
  AsOfOptions,
  IntervalJoin,
  IntervalOptions,
  JoiningStreams,
  WindowJoin,
} from './joining-streams.ts'
import { matchingOf, type WindowJoinKind } from './row-matching.ts'
import { WindowJoinOperator, type WindowGroup, type WindowJoinParts } from './window-join-operator.ts'

/** What the first stream of a join must be. What it says instead is why it cannot. */
export type HasEventTime<S extends AnyKeyedStream> = S['timing'] extends 'timed' ? S : JoinsNeedEventTime

/** The type of a stream without event time in a join. */
export interface JoinsNeedEventTime {
  readonly 'joins go by event time; call withTimestamps on both streams': never
}

/**
 * Joins two streams by key and event time. Both are keyed by the same type of key and have event time.
 *
 * - `.window(windows)` joins what is in the same window.
 * - `.between(lower, upper)` joins what lies within bounds of each other.
 * - `.asOf()` joins each record of the first stream with the version that the second one has at its time.
 *
 * A record that comes too late for any partner goes to `lateLeft` or `lateRight`. As in SQL, a `null` key equals no other:
 * its records have no partner.
 *
 * @example
 * join(
 *   orders.keyBy((order) => order.id),
 *   payments.keyBy((payment) => payment.order),
 * )
 *   .between('0s', '1h')
 *   .left('paid', (order, payment) => ({ id: order.id, isPaid: payment !== undefined }))
 */
export function join<L extends AnyKeyedStream, R extends AnyKeyedStream>(
  left: L & HasEventTime<L>,
  right: R & MeetsBy<L, R>,
): JoiningStreams<ValueOfKeyed<L>, ValueOfKeyed<R>, KeyOfKeyed<L> | KeyOfKeyed<R>> {
  const meeting = new Meeting('join', left, right)
  if (meeting.timing !== 'timed') {
    throw new MillraceError(
      'GRAPH_INVALID',
      'join was given streams without event time; call withTimestamps on both',
    )
  }
  // Values are unknown behind the interfaces, which give them their types.
  return {
    window: (windows: WindowAssigner) => windowJoin(meeting, windows),
    between: (lower: Duration, upper: Duration, options?: IntervalOptions) =>
      intervalJoin(meeting, lower, upper, options),
    asOf: (options?: AsOfOptions) => asOfJoin(meeting, options),
  } as unknown as JoiningStreams<ValueOfKeyed<L>, ValueOfKeyed<R>, KeyOfKeyed<L> | KeyOfKeyed<R>>
}

type Method<C> = (name: string, combine: C, options?: OperatorOptions) => StreamHandle

function windowJoin(meeting: Meeting, assigner: WindowAssigner): WindowJoin<unknown, unknown, unknown> {
  const add = (
    kind: string,
    keepsUnmatched: readonly [boolean, boolean],
    match: WindowJoinParts['match'],
    { name, options }: { readonly name: string; readonly options?: OperatorOptions | undefined },
  ): StreamHandle => {
    const create = (): WindowJoinOperator =>
      new WindowJoinOperator({ name, assigner, kind, keepsUnmatched, match })
    const keeps = `rows of both inputs until their windows end; ${kind} join, ${assigner.description}`
    // Constructed eagerly: the windows are validated by that.
    return result(meeting, name, options, {
      type: 'window join',
      emitsLater: true,
      keeps,
      create,
      fingerprint: create().fingerprint,
    })
  }
  const joining =
    (kind: WindowJoinKind): Method<Combine> =>
    (name, combine, options) => {
      requireSynchronous(combine, `${kind} join`, name)
      const match = ({ key, left, right }: WindowGroup) =>
        key === null
          ? [matchingOf(kind, left, [], combine), matchingOf(kind, [], right, combine)]
          : [matchingOf(kind, left, right, combine)]
      return add(kind, unmatchedOf[kind], match, { name, options })
    }
  const choosing = (kind: 'semi' | 'anti') => (name: string, options?: OperatorOptions) =>
    joining(kind)(name, (left) => left, options)
  const cogroup: Method<(group: WindowGroup) => unknown> = (name, combine, options) => {
    requireSynchronous(combine, 'cogroup', name)
    const match = (group: WindowGroup) => [{ count: 1, result: () => combine(group) }]
    return add('cogroup', [true, true], match, { name, options })
  }
  return {
    inner: joining('inner'),
    left: joining('left'),
    right: joining('right'),
    full: joining('full'),
    semi: choosing('semi'),
    anti: choosing('anti'),
    cogroup,
  } as unknown as WindowJoin<unknown, unknown, unknown>
}

/** Of which side each kind of join needs the rows that have no partner. */
const unmatchedOf: Readonly<Record<WindowJoinKind, readonly [left: boolean, right: boolean]>> = {
  inner: [false, false],
  left: [true, false],
  right: [false, true],
  full: [true, true],
  semi: [false, false],
  anti: [true, false],
}

function intervalJoin(
  meeting: Meeting,
  lower: Duration,
  upper: Duration,
  { excludeLower = false, excludeUpper = false }: IntervalOptions = {},
): IntervalJoin<unknown, unknown> {
  const bounds = {
    lowerMs: signedMs(lower, 'lower'),
    upperMs: signedMs(upper, 'upper'),
    isLowerExclusive: excludeLower,
    isUpperExclusive: excludeUpper,
  }
  const { lowerMs, upperMs } = bounds
  if (lowerMs > upperMs || (lowerMs === upperMs && (excludeLower || excludeUpper))) {
    const reason = lowerMs > upperMs ? 'lower is above upper' : 'they are equal and excluded'
    throw new MillraceError(
      'OPTION_INVALID',
      `nothing lies between the bounds ${lower} and ${upper} of a join: ${reason}; between(lower, upper) says how much later than the left record the right one is, at least and at most`,
    )
  }
  const joining =
    (kind: JoinKind): Method<Combine> =>
    (name, combine, options) => {
      requireSynchronous(combine, `${kind} join`, name)
      const create = (): IntervalJoinOperator => new IntervalJoinOperator(bounds, kind, combine)
      const keeps = `rows of both inputs until none can meet them; ${kind} join, right from ${lower} to ${upper} after left`
      return result(meeting, name, options, {
        type: 'interval join',
        emitsLater: kind !== 'inner',
        keeps,
        create,
        fingerprint: create().fingerprint,
      })
    }
  return {
    inner: joining('inner'),
    left: joining('left'),
    right: joining('right'),
    full: joining('full'),
  } as unknown as IntervalJoin<unknown, unknown>
}

function asOfJoin(meeting: Meeting, { validFor }: AsOfOptions = {}): AsOfJoin<unknown, unknown> {
  const validForMs =
    validFor === undefined ? Number.POSITIVE_INFINITY : positiveDurationMs(validFor, 'validFor')
  const joining =
    (kind: 'inner' | 'left'): Method<Combine> =>
    (name, combine, options) => {
      requireSynchronous(combine, `${kind} join`, name)
      const create = (): AsOfJoinOperator => new AsOfJoinOperator({ kind, combine, validForMs })
      const until = validFor === undefined ? 'until the next one' : `for at most ${validFor}`
      const keeps = `left rows until the watermark passes them, versions of each key ${until}; ${kind} join`
      return result(meeting, name, options, {
        type: 'as-of join',
        emitsLater: true,
        keeps,
        create,
        fingerprint: create().fingerprint,
      })
    }
  return { inner: joining('inner'), left: joining('left') } as unknown as AsOfJoin<unknown, unknown>
}

const lateOutputs = ['lateLeft', 'lateRight']

function result(
  meeting: Meeting,
  name: string,
  options: OperatorOptions | undefined,
  { type, fingerprint, keeps, create }: Omit<OperatorParts, 'outputs'>,
): StreamHandle {
  const id = meeting.operator(name, options, {
    type,
    fingerprint,
    keeps: keeps!,
    create,
    outputs: lateOutputs,
  })
  return Object.assign(meeting.main(id), meeting.sides(id, lateOutputs))
}

/** A span of time in either direction. */
function signedMs(duration: Duration, parameter: string): number {
  const text = String(duration)
  const ms = durationMs(
    typeof duration === 'string' ? text.replace(/^-/, '') : Math.abs(duration),
    `bound '${parameter}' of a join`,
  )
  return text.startsWith('-') && ms > 0 ? -ms : ms
}
