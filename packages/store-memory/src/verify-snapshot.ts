import type { StoreSnapshot } from '@millrace/core/store'
import type { Fs } from '@millrace/core/disk'
import { readBackwards } from '@millrace/segment-log'
import { readSnapshot } from './snapshot.ts'

/**
 * Reads and verifies every byte that a snapshot names, and resolves to their number.
 *
 * `directory` is the store's own. It writes nothing and acquires no lock, so it may run while a job owns the
 * directory. Rejects with `CHECKPOINT_CORRUPT`, naming file and place, if anything is missing or changed, and
 * with `CHECKPOINT_INCOMPATIBLE` for data of a newer version.
 *
 * @example
 * await verifySnapshot(fs, '.millrace/fraud/state', manifest.store.parts[0].snapshot) // => 1_204_331
 */
export async function verifySnapshot(fs: Fs, directory: string, snapshot: StoreSnapshot): Promise<number> {
  let bytes = 0
  for (const segment of readSnapshot(snapshot).segments) {
    await readBackwards(fs, `${directory}/${segment.file}`, segment, async () => {})
    bytes += segment.bytes
  }
  return bytes
}
