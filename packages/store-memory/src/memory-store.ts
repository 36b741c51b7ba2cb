import { makeDurableDirectory, MillraceError } from '@millrace/core'
import type { Fs, OpenStateStore, StateStore, StateStoreOptions } from '@millrace/core'
import { OpenMemoryStore } from './open-memory-store.ts'
import { Segment, segmentNumber } from './segment.ts'
import { SegmentSet } from './segment-set.ts'
import type { CompactionLimits } from './segment-set.ts'
import { readSnapshot } from './snapshot.ts'
import type { MemorySnapshot } from './snapshot.ts'

/** How the memory store lays out its files. The defaults fit most jobs. */
export interface MemoryStoreOptions {
  /** Full size of a segment file in bytes, at least 4096. Default 64 MiB. */
  readonly segmentBytes?: number
  /**
   * The share of bytes on disk that may be dead, above 0 and below 1, before live records are written anew.
   * Lower takes less disk and more writing. Default 0.5.
   */
  readonly deadRatioMax?: number
}

/**
 * The default state store: every value live in memory, what changed appended to segment files.
 *
 * A read or change costs a look-up and no encoding. A snapshot costs what changed since the one before.
 * Memory bounds the state: about 130 bytes for each cell besides its key and its value.
 *
 * Throws `OPTION_INVALID`.
 *
 * @example
 * const store = memoryStore({ segmentBytes: 16 * 1024 * 1024 })
 */
export function memoryStore(options: MemoryStoreOptions = {}): StateStore {
  const { segmentBytes = 64 * 1024 * 1024, deadRatioMax = 0.5 } = options
  if (!Number.isSafeInteger(segmentBytes) || segmentBytes < 4096) {
    throw new MillraceError(
      'OPTION_INVALID',
      `memoryStore: segmentBytes is ${segmentBytes}; pass a whole number of bytes, 4096 or more`,
    )
  }
  if (!(deadRatioMax > 0 && deadRatioMax < 1)) {
    throw new MillraceError(
      'OPTION_INVALID',
      `memoryStore: deadRatioMax is ${deadRatioMax}; pass a share above 0 and below 1, as 0.5`,
    )
  }
  return { kind: 'memory', open: (opening) => openStore(opening, { segmentBytes, deadRatioMax }) }
}

async function openStore(options: StateStoreOptions, limits: CompactionLimits): Promise<OpenStateStore> {
  const { fs, directory } = options
  const from = options.from === undefined ? undefined : readSnapshot(options.from)
  const retained = options.retained.map((each) => readSnapshot(each))
  await makeDurableDirectory(fs, directory)
  const { kept, used } = await sweepDirectory(
    fs,
    directory,
    from === undefined ? retained : [from, ...retained],
  )
  const segments = (from?.segments ?? []).map(
    (named) => new Segment(segmentNumber(named.file)!, named.bytes, named.checksum),
  )
  const current = new Set(segments.map((segment) => segment.number))
  const retired = kept.filter((segment) => !current.has(segment.number))
  return new OpenMemoryStore({
    fs,
    budget: options.budget,
    directory,
    from,
    discard: options.discard ?? [],
    number: Math.max(0, ...[from, ...retained].map((each) => each?.number ?? 0)),
    segments: new SegmentSet(limits, segments, retired, used),
    segmentBytes: limits.segmentBytes,
  })
}

/** Removes segment files that no snapshot names; says which are left and the highest number among all. */
async function sweepDirectory(
  fs: Fs,
  directory: string,
  snapshots: readonly MemorySnapshot[],
): Promise<{ readonly kept: readonly Segment[]; readonly used: number }> {
  const named = new Set(snapshots.flatMap((each) => each.segments.map((segment) => segment.file)))
  // A number is not used again, even if its file is gone: an old manifest that named it must not find another.
  let used = Math.max(0, ...[...named].map((file) => segmentNumber(file)!))
  const kept: Segment[] = []
  for (const { name } of await fs.list(directory)) {
    const number = segmentNumber(name)
    if (number === undefined) continue
    used = Math.max(used, number)
    const path = `${directory}/${name}`
    if (named.has(name)) kept.push(new Segment(number, (await fs.stat(path))?.size ?? 0))
    else await fs.remove(path)
  }
  return { kept, used }
}
