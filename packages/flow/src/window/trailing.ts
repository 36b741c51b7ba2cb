import { durationText, type Duration } from '@millrace/core'
import type { WindowsFingerprint } from './assigner.ts'
import { wholeMs } from './sliding.ts'

/** Windows that end with each record. */
export interface TrailingWindows {
  readonly isTrailing: true
  readonly description: string
  readonly fingerprint: WindowsFingerprint
  readonly size: number
}

/**
 * A window that ends with each record: the `size` up to it, so that its own millisecond is the last one. Each
 * record has a result, when the watermark has passed it, and those of a key at one millisecond have one. (`OVER`
 * in SQL.)
 *
 * `size` is a whole number of milliseconds. Throws `OPTION_INVALID`.
 *
 * @example
 * // How many payments of the card in the hour up to this one?
 * payments.keyBy((payment) => payment.card).window(trailing('1h')).aggregate('recent', { n: count() })
 */
export function trailing(size: Duration): TrailingWindows {
  const sizeMs = wholeMs(size, 'size')
  return {
    isTrailing: true,
    description: `windows of ${durationText(sizeMs)} that end with each record`,
    fingerprint: { kind: 'trailing', settings: [{ name: 'size', value: sizeMs, unit: 'ms' }] },
    size: sizeMs,
  }
}
