import { MillraceError } from '@millrace/core'
import type { OpenStateStore, StateStore, StateStoreOptions } from '@millrace/core/store'
import {
  checkedLimits,
  findSegments,
  snapshotFiles,
  type CompactionLimits,
} from '@millrace/store-memory/segments'
import { OpenDiskStore } from './open-disk-store.ts'

/** How much memory the disk store uses, and how it lays out its files. The defaults fit most jobs. */
export interface DiskStoreOptions {
  /**
   * Bytes of memory for live values and for the index, at least 4096. Default 256 MiB. Values have what the index leaves,
   * and an eighth in any case; the index takes about 27 bytes for each key.
   */
  readonly memoryBytes?: number
  /** Full size of a segment file in bytes, at least 4096. Default 64 MiB. */
  readonly segmentBytes?: number
  /**
   * The share of dead bytes on disk at which live records are rewritten, above 0 and below 1. A lower value
   * uses less disk and more writes. Default 0.5.
   */
  readonly deadRatioMax?: number
}

/**
 * Creates a state store for state larger than memory: values are in segment files, and those in use in memory.
 *
 * A value that is not in memory is read when it is looked up, which takes a few microseconds if the system has the file in
 * its page cache and the time of a disk access otherwise. A snapshot costs what changed since the previous one. The files
 * are those of the memory store, so each of the two restores what the other has written.
 *
 * Throws `OPTION_INVALID`.
 *
 * @example
 * const store = diskStore({ memoryBytes: 128 * 1024 * 1024 })
 */
export function diskStore(options: DiskStoreOptions = {}): StateStore {
  const { memoryBytes = 256 * 1024 * 1024 } = options
  if (!Number.isSafeInteger(memoryBytes) || memoryBytes < 4096) {
    throw new MillraceError(
      'OPTION_INVALID',
      `diskStore: memoryBytes is ${memoryBytes}; pass a whole number of bytes, 4096 or more`,
    )
  }
  const limits = checkedLimits('diskStore', options)
  return {
    kind: 'disk',
    restores: ['memory'],
    open: (opening) => openStore(opening, limits, memoryBytes),
    files: snapshotFiles,
  }
}

async function openStore(
  options: StateStoreOptions,
  limits: CompactionLimits,
  memoryBytes: number,
): Promise<OpenStateStore> {
  const { fs, directory, budget, discard = [] } = options
  const { segmentBytes } = limits
  const found = await findSegments(options, limits)
  return new OpenDiskStore({ ...found, fs, budget, directory, discard, segmentBytes, memoryBytes })
}
