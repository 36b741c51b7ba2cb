/** The watermark of one split, from the definition. */
import { passes, type Item } from './item.ts'
import type { SourceSpec, WatermarkSpec } from './topology.ts'

interface Timed {
  readonly value: Item
  readonly time: number
}

/** What is known of a watermark: it is not above `most`, and is that if it is exact. */
export interface KnownWatermark {
  readonly most: number
  readonly isExact: boolean
}

/** The watermark of a split after these records. */
export function watermarkAfter(
  {
    watermark,
    disorderMs = 0,
  }: Pick<SourceSpec, 'disorderMs'> & { readonly watermark?: WatermarkSpec | undefined },
  records: readonly Timed[],
): KnownWatermark {
  const counted =
    watermark?.kind === 'punctuated'
      ? records.filter(({ value }) => passes(watermark.marks, value))
      : records.slice(0, Math.max(0, records.length - (watermark?.kind === 'behind' ? watermark.records : 0)))
  const newest = counted.reduce((most, { time }) => Math.max(most, time), Number.NEGATIVE_INFINITY)
  return { most: newest - disorderMs, isExact: watermark?.kind !== 'adaptive' }
}
