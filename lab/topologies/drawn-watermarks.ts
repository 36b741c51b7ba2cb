/** The watermarks of drawn sources, as a user would write them. */
import type { EventTime, Json, WatermarkGenerator } from '@millrace/core'
import { adaptiveWatermark, punctuatedWatermark } from '@millrace/flow'
import { passes, type Item } from './item.ts'
import type { SourceSpec } from './topology.ts'

/** How far the watermark of an adaptive generator may be behind that of the drawn disorder. */
const slackMs = 500

/** What the watermark of a source follows from. */
export function watermarkOf({
  watermark,
  disorderMs = 0,
}: SourceSpec): { readonly watermark: WatermarkGenerator<Item> } | { readonly maxOutOfOrderness: number } {
  switch (watermark?.kind) {
    case undefined:
      return { maxOutOfOrderness: disorderMs }
    case 'adaptive': {
      const { share } = watermark
      return { watermark: adaptiveWatermark({ share, atLeast: disorderMs, atMost: disorderMs + slackMs }) }
    }
    case 'punctuated':
      return {
        watermark: punctuatedWatermark((item: Item, time) =>
          passes(watermark.marks, item) ? time - disorderMs : undefined,
        ),
      }
    case 'behind':
      return { watermark: behind(watermark.records, disorderMs) }
  }
}

/** A generator of our own: the watermark of the disorder, so many records later. */
function behind(records: number, disorderMs: number): WatermarkGenerator {
  return {
    name: 'behind',
    create(saved) {
      /** The newest times at the last records, with the oldest first. */
      const newest = [...((saved as readonly number[] | undefined) ?? [])]
      return {
        onRecord(_, time): EventTime | undefined {
          newest.push(Math.max(time, newest.at(-1) ?? time))
          if (newest.length > records + 1) newest.shift()
          return newest.length > records ? newest[0]! - disorderMs : undefined
        },
        state: (): Json => newest.slice(),
      }
    },
  }
}
