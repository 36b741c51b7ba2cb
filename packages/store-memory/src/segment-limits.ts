import { MillraceError } from '@millrace/core'
import type { CompactionLimits } from './segment-set.ts'

/** The limits with defaults applied. Throws `OPTION_INVALID`, naming the function that was called. */
export function checkedLimits(
  called: string,
  { segmentBytes = 64 * 1024 * 1024, deadRatioMax = 0.5 }: Partial<CompactionLimits>,
): CompactionLimits {
  if (!Number.isSafeInteger(segmentBytes) || segmentBytes < 4096) {
    throw new MillraceError(
      'OPTION_INVALID',
      `${called}: segmentBytes is ${segmentBytes}; pass a whole number of bytes, 4096 or more`,
    )
  }
  if (!(deadRatioMax > 0 && deadRatioMax < 1)) {
    throw new MillraceError(
      'OPTION_INVALID',
      `${called}: deadRatioMax is ${deadRatioMax}; pass a share above 0 and below 1, as 0.5`,
    )
  }
  return { segmentBytes, deadRatioMax }
}
