import { MillraceError } from '@millrace/core'
import type { Stretch } from './staged-copy.ts'

/** The error for bytes that differ from those of a checkpoint. They must not become visible. */
export function damaged({ path, start, end }: Stretch): MillraceError {
  return new MillraceError(
    'CHECKPOINT_CORRUPT',
    `${path}: bytes ${start} to ${end} differ from the checkpoint (wrong checksum): the file was ` +
      'damaged or changed. Nothing was committed. Restore the file from a copy, or go back to an earlier checkpoint',
    { place: path },
  )
}

/** The error for missing output that a checkpoint needs. */
export function lost(path: string, size: number, needed: number): MillraceError {
  return new MillraceError(
    'SINK_FAILED',
    `${path}: has ${size} bytes where the restored checkpoint needs ${needed}; it was truncated or removed. ` +
      'Restore it, or start without the checkpoint',
    { place: path, isFinal: true },
  )
}
