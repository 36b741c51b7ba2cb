/** What comes of the parts that end in sinks of their own, from their definition. */
import { answerOf, failsAlways, replacementOf } from './call-values.ts'
import { figureOf, type Item } from './item.ts'
import { expiryOf } from './known-expiry.ts'
import { headersAfter } from './known-headers.ts'
import { livingOf } from './known-living.ts'
import { broadcastOf, meetingOf, sessionsOf } from './known-meeting.ts'
import { pacingOf } from './known-pacing.ts'
import { patternOf } from './known-pattern.ts'
import { spansOf } from './known-spans.ts'
import { stagesOf } from './known-stages.ts'
import { statesOf } from './known-states.ts'
import { summariesOf } from './known-summaries.ts'
import type { KnownStream } from './known-stream.ts'
import { lookedUp, rowOf } from './lookup-rows.ts'
import { tableOf } from './known-tables.ts'
import { panesOf } from './known-windows.ts'
import type { LastPart } from './topology.ts'

/**
 * The results; undefined if the data do not decide them. `other` is the second input, and `watermark` the last one before the
 * end of the input; undefined if the data do not decide that.
 */
export function lastOf(
  part: LastPart,
  input: KnownStream,
  other: KnownStream,
  watermark?: number,
): readonly unknown[] | undefined {
  switch (part.kind) {
    case 'meeting':
      return meetingOf(part, input, other)
    case 'session':
      return sessionsOf(part, input)
    case 'table':
      return tableOf(part, input, other)
    case 'pattern':
      return patternOf(part, input)
    case 'panes':
      return panesOf(part, input)
    case 'pacing':
      return pacingOf(part, input)
    case 'expiry':
      return expiryOf(part, input)
    case 'broadcast':
      return broadcastOf(part, input, other)
    case 'spans':
      return spansOf(part, input)
    case 'lookup':
      return input.map(({ value }) => lookedUp(value, rowOf(figureOf(value) % part.rows)))
    case 'states':
      return statesOf(part, input)
    case 'summary':
      return summariesOf(part, input)
    case 'stages':
      return stagesOf(part, input)
    case 'living':
      return livingOf(part, input, other, watermark)
    case 'headers':
      return headersAfter(part, input)
    case 'calls': {
      const isReplaced = (item: Item): boolean => part.how.limit.kind === 'fallback' && failsAlways(item)
      return input.map(({ value }) => (isReplaced(value) ? replacementOf(value) : answerOf(value)))
    }
  }
}
