import type { OpenStateStore, StateStore, StateStoreOptions } from '@millrace/core/store'
import { OpenMemoryStore } from './open-memory-store.ts'
import { findSegments } from './found-segments.ts'
import { checkedLimits } from './segment-limits.ts'
import type { CompactionLimits } from './segment-set.ts'
import { snapshotFiles } from './snapshot.ts'

/** How the memory store lays out its files. The defaults fit most jobs. */
export interface MemoryStoreOptions {
  /** Full size of a segment file in bytes, at least 4096. Default 64 MiB. */
  readonly segmentBytes?: number
  /**
   * The share of dead bytes on disk at which live records are rewritten, above 0 and below 1. A lower value
   * uses less disk and more writes. Default 0.5.
   */
  readonly deadRatioMax?: number
}

/**
 * Creates the default state store: every value is live in memory, and changes are appended to segment files.
 *
 * A read or change costs a look-up and no encoding. A snapshot costs what changed since the previous one.
 * State is limited by memory: about 130 bytes for each cell besides its key and its value.
 *
 * Throws `OPTION_INVALID`.
 *
 * @example
 * const store = memoryStore({ segmentBytes: 16 * 1024 * 1024 })
 */
export function memoryStore(options: MemoryStoreOptions = {}): StateStore {
  const limits = checkedLimits('memoryStore', options)
  return {
    kind: 'memory',
    open: (opening) => openStore(opening, limits),
    restores: ['disk'],
    files: snapshotFiles,
  }
}

async function openStore(options: StateStoreOptions, limits: CompactionLimits): Promise<OpenStateStore> {
  const { fs, directory, budget, discard = [] } = options
  const found = await findSegments(options, limits)
  return new OpenMemoryStore({ ...found, fs, budget, directory, discard, segmentBytes: limits.segmentBytes })
}
