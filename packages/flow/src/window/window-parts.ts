import { durationMs, durationText, MillraceError, requireKnown } from '@millrace/core'
import type { OperatorParts } from '../operators/operator-parts.ts'
import type { AggregateOptions, PaneOptions, UpdatesOptions } from '../stream-options.ts'
import type { Aggregates } from './aggregate.ts'
import { ClockWindowOperator, type ClockWindowParts } from './clock-window-operator.ts'
import type { ClockWindows } from './clock.ts'
import type { Evictor } from './evictor.ts'
import type { AnyWindows } from './layout.ts'
import { SliceWindowOperator } from './slice-window-operator.ts'
import { atLast, firingsOf, type WindowFirings } from './trigger-plan.ts'
import { trigger, type EndTrigger, type Firing } from './trigger.ts'
import { TrailingWindowOperator, type TrailingWindowParts } from './trailing-window-operator.ts'
import type { TrailingWindows } from './trailing.ts'
import { TriggeredWindowOperator } from './triggered-window-operator.ts'
import type { PaneParts } from './pane-output.ts'

/** What the user has called. */
interface WindowCall {
  readonly name: string
  readonly windows: AnyWindows | TrailingWindows | ClockWindows
  readonly aggregates: Aggregates<unknown>
  readonly hasKey: boolean
}

/** The options of all overloads of `aggregate`. */
export type AnyAggregateOptions = Partial<
  Omit<AggregateOptions, 'emit'> & Omit<PaneOptions<unknown>, 'emit'> & Omit<UpdatesOptions<unknown>, 'emit'>
> & { readonly emit?: 'final' | 'updates' }

const known = ['onError', 'allowedLateness', 'emit', 'trigger', 'panes', 'evict']

/** The parts of the node of `window(...).aggregate`. */
export function windowParts(call: WindowCall, options: AnyAggregateOptions): OperatorParts {
  const { name, windows, aggregates, hasKey } = call
  if ('isTrailing' in windows) return trailingParts({ name, windows, aggregates, hasKey }, options)
  if ('isByClock' in windows) return clockParts({ name, windows, aggregates, hasKey }, options)
  requireKnown(`aggregate '${String(name)}'`, options, known)
  const { allowedLateness = 0 } = options
  const latenessMs = durationMs(allowedLateness, `allowedLateness of '${name}'`)
  const parts = { name, aggregates, latenessMs, hasKey }
  const panes = panesOf({ name, windows }, options)
  const create = () =>
    panes === undefined && !('isGlobal' in windows) && !('windowOf' in windows)
      ? new SliceWindowOperator({ ...parts, assigner: windows })
      : new TriggeredWindowOperator({ ...parts, windows, ...(panes ?? plain) })
  // Constructed eagerly to validate windows and aggregates before the job starts.
  const { fingerprint } = create()
  const until =
    'isGlobal' in windows
      ? 'the end of the input'
      : latenessMs === 0
        ? 'it ends'
        : `${durationText(latenessMs)} after it has ended`
  const keeps = `${Object.keys(aggregates).join(', ')} of each ${hasKey ? 'key and ' : ''}window until ${until}; ${windows.description}`
  return { type: 'window', emitsLater: true, fingerprint, outputs: ['late'], keeps, create }
}

/** The parts of the node of windows that end with each record. */
function trailingParts(parts: TrailingWindowParts, options: AnyAggregateOptions): OperatorParts {
  requireKnown(`aggregate '${String(parts.name)}' of trailing windows`, options, ['onError'])
  const create = () => new TrailingWindowOperator(parts)
  const { fingerprint } = create()
  const figures = Object.keys(parts.aggregates).join(', ')
  const keeps = `${figures} of each millisecond with records, until no window contains it; ${parts.windows.description}`
  return { type: 'window', emitsLater: true, fingerprint, outputs: ['late'], keeps, create }
}

/** The parts of the node of windows by the clock. */
function clockParts(parts: ClockWindowParts, options: AnyAggregateOptions): OperatorParts {
  requireKnown(`aggregate '${String(parts.name)}' of windows by the clock`, options, ['onError'])
  const create = () => new ClockWindowOperator(parts)
  const { fingerprint } = create()
  const figures = Object.keys(parts.aggregates).join(', ')
  const keeps = `${figures} of each window until it ends; ${parts.windows.description}`
  return { type: 'window', emitsLater: true, fingerprint, outputs: [], keeps, create }
}

/** How the panes of a window are emitted. */
type Panes = PaneParts & { readonly firings: WindowFirings }

/** A result when the window ends, and one more with each late record. */
const plain: Panes = { content: 'accumulating', showsPane: false, firings: firingsOf(trigger.atEnd()) }

/** Undefined: the windows emit as without options. */
function panesOf(
  { name, windows }: { readonly name: string; readonly windows: AnyWindows },
  options: AnyAggregateOptions,
): Panes | undefined {
  const { emit, trigger: given, panes = 'accumulating', allowedLateness = 0, evict } = options
  requireChoice(`emit of '${name}'`, emit, ['final', 'updates'])
  requireChoice(`panes of '${name}'`, panes, ['accumulating', 'discarding'])
  if (given !== undefined) requireTrigger(name, given)
  if (evict !== undefined) requireEvictor(name, options)
  if ('isGlobal' in windows) {
    if (emit !== undefined) {
      throw invalid(
        name,
        `windows that never end are never final, and have no bounds to find a row by; leave out emit`,
      )
    }
    if (windows.firing !== undefined) {
      if (given !== undefined)
        throw invalid(name, 'count windows have a trigger of their own; leave out trigger')
      const { evictor } = windows
      const content = evictor === undefined ? 'discarding' : 'accumulating'
      return { content, showsPane: false, firings: firingsOf(windows.firing), evictor }
    }
    if (given === undefined || 'lateFiring' in given) {
      throw invalid(
        name,
        "windows that never end need a trigger that does not wait for the end, such as trigger.every('1m')",
      )
    }
  }
  if (emit === 'final') {
    if (given !== undefined)
      throw invalid(name, 'a trigger emits results before they are final; leave out one of the two')
    return allowedLateness === 0 ? undefined : { content: 'accumulating', showsPane: false, firings: atLast }
  }
  const firings = firingsOf(given ?? trigger.atEnd())
  if (emit === 'updates') {
    if (options.panes !== undefined)
      throw invalid(name, "with emit: 'updates' a table is emitted; leave out panes")
    return { content: 'table', showsPane: false, firings }
  }
  if (given !== undefined) return { content: panes, showsPane: true, firings, evictor: evict as Evictor }
  if (options.panes !== undefined) throw invalid(name, 'panes needs a trigger')
  return undefined
}

function requireEvictor(name: string, { evict, trigger: given, emit, panes }: AnyAggregateOptions): void {
  // The types require it; this is the check for untyped callers.
  if (typeof evict?.keep !== 'function') {
    throw invalid(
      name,
      'evict is no evictor; make it with the functions of evictor, such as evictor.count(3)',
    )
  }
  if (given === undefined || emit !== undefined)
    throw invalid(name, 'evict needs a trigger, such as trigger.atEnd(), and results that are no table')
  if (panes === 'discarding' && evict.when === 'after') {
    throw invalid(
      name,
      "with panes: 'discarding' no record is left after a result; leave out panes, or evict before",
    )
  }
}

/** For untyped callers. */
function requireTrigger(name: string, given: Firing | EndTrigger): void {
  if (typeof given === 'object' && given !== null && ('lateFiring' in given || 'isDue' in given)) return
  throw invalid(
    name,
    'the trigger is not one; make it with the functions of trigger, such as trigger.atEnd()',
  )
}

function requireChoice<T extends string>(what: string, given: T | undefined, choices: readonly T[]): void {
  if (given === undefined || choices.includes(given)) return
  const list = choices.map((choice) => `'${choice}'`)
  throw new MillraceError(
    'OPTION_INVALID',
    `${what} is ${JSON.stringify(given)}; it must be ${list.join(' or ')}`,
  )
}

function invalid(name: string, why: string): MillraceError {
  return new MillraceError('OPTION_INVALID', `windows of '${name}': ${why}`)
}
