import { MillraceError } from '@millrace/core'
import { makeDurableDirectory } from '@millrace/core/disk'
import type { OpenStateStore, StateStore, StateStoreOptions } from '@millrace/core/store'
import type { Fs } from '@millrace/core/disk'
import { OpenMemoryStore } from './open-memory-store.ts'
import { Segment, segmentName } from './segment.ts'
import { SegmentSet } from './segment-set.ts'
import type { CompactionLimits } from './segment-set.ts'
import { readSnapshot } from './snapshot.ts'
import type { MemorySnapshot } from './snapshot.ts'

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
  const { fs, directory, epoch = 1 } = options
  const from = options.from === undefined ? undefined : readSnapshot(options.from)
  const retained = options.retained.map((each) => readSnapshot(each))
  await makeDurableDirectory(fs, directory)
  const { kept, used } = await sweepDirectory(
    { fs, directory, epoch },
    from === undefined ? retained : [from, ...retained],
  )
  const segments = (from?.segments ?? []).map(
    (named) => new Segment(segmentName(named.file)!, named.bytes, named.checksum),
  )
  const current = new Set(segments.map((segment) => segment.file))
  const retired = kept.filter((segment) => !current.has(segment.file))
  return new OpenMemoryStore({
    fs,
    budget: options.budget,
    directory,
    from,
    discard: options.discard ?? [],
    number: Math.max(0, ...[from, ...retained].map((each) => each?.number ?? 0)),
    segments: new SegmentSet(limits, segments, retired, { number: used, epoch }),
    segmentBytes: limits.segmentBytes,
  })
}

/**
 * Deletes segment files that no snapshot names; returns the remaining ones and the highest number of all.
 * Files of a later epoch are kept: they belong to a process that now owns the directory, and unknown
 * snapshots may name them.
 */
async function sweepDirectory(
  { fs, directory, epoch }: { readonly fs: Fs; readonly directory: string; readonly epoch: number },
  snapshots: readonly MemorySnapshot[],
): Promise<{ readonly kept: readonly Segment[]; readonly used: number }> {
  const named = new Set(snapshots.flatMap((each) => each.segments.map((segment) => segment.file)))
  // A number is never reused, even if its file is deleted: an old manifest that named it must not find
  // another file.
  let used = Math.max(0, ...[...named].map((file) => segmentName(file)!.number))
  const kept: Segment[] = []
  for (const { name } of await fs.list(directory)) {
    const segment = segmentName(name)
    if (segment === undefined || segment.epoch > epoch) continue
    used = Math.max(used, segment.number)
    const path = `${directory}/${name}`
    if (named.has(name)) kept.push(new Segment(segment, (await fs.stat(path))?.size ?? 0))
    else await fs.remove(path)
  }
  return { kept, used }
}
