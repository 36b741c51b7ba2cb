import { MillraceError } from '@millrace/core'
import type { Stretch } from './staged-copy.ts'

/** The error for bytes that are not those that a checkpoint was made with. Nothing of them may be shown. */
export function damaged({ path, start, end }: Stretch): MillraceError {
  return new MillraceError(
    'CHECKPOINT_CORRUPT',
    `${path}: bytes ${start} to ${end} are not those that the checkpoint holds (their checksum differs): the file was ` +
      'damaged or changed. Nothing was committed. Restore the file from a copy, or go back to an earlier checkpoint',
    { place: path },
  )
}

/** The error for output that a checkpoint needs and that is not there any more. */
export function lost(path: string, size: number, needed: number): MillraceError {
  return new MillraceError(
    'SINK_FAILED',
    `${path}: has ${size} bytes where the restored checkpoint needs ${needed}; somebody has removed or cut it. ` +
      'Put it back, or start without the checkpoint',
    { place: path, isFinal: true },
  )
}
