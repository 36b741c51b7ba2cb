import { durationMs, requireKnown } from '@millrace/core'
import type { OperatorParts } from '../operators/operator-parts.ts'
import type { AggregateOptions } from '../stream-options.ts'
import type { Aggregates } from './aggregate.ts'
import type { MergingWindows, WindowAssigner } from './assigner.ts'
import { MergingWindowOperator } from './merging-window-operator.ts'
import { SliceWindowOperator } from './slice-window-operator.ts'

/** What the user has called. */
interface WindowCall {
  readonly name: string
  readonly windows: WindowAssigner | MergingWindows
  readonly aggregates: Aggregates<unknown>
  readonly hasKey: boolean
}

/** The parts of the node of `window(...).aggregate`. */
export function windowParts(
  { name, windows, aggregates, hasKey }: WindowCall,
  options: AggregateOptions,
): OperatorParts {
  requireKnown(`aggregate '${String(name)}'`, options, ['onError', 'allowedLateness'])
  const { allowedLateness = 0 } = options
  const latenessMs = durationMs(allowedLateness, `allowedLateness of '${name}'`)
  const create = () =>
    'windowOf' in windows
      ? new MergingWindowOperator({ name, windows, aggregates, latenessMs, hasKey })
      : new SliceWindowOperator({ name, assigner: windows, aggregates, latenessMs, hasKey })
  // Constructed eagerly to validate windows and aggregates before the job starts.
  const { fingerprint } = create()
  const until = latenessMs === 0 ? 'it ends' : `${latenessMs} ms after it has ended`
  const keeps = `${Object.keys(aggregates).join(', ')} of each ${hasKey ? 'key and ' : ''}window until ${until}; ${windows.description}`
  return { type: 'window', fingerprint, outputs: ['late'], keeps, create }
}
