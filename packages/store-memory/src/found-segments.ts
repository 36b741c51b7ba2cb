import { makeDurableDirectory } from '@millrace/core/disk'
import type { Fs } from '@millrace/core/disk'
import type { StateStoreOptions } from '@millrace/core/store'
import { Segment, segmentName } from './segment.ts'
import { SegmentSet } from './segment-set.ts'
import type { CompactionLimits } from './segment-set.ts'
import { readSnapshot } from './snapshot.ts'
import type { MemorySnapshot } from './snapshot.ts'

/** What a directory holds of the snapshots that are kept. */
export interface FoundSegments {
  readonly from: MemorySnapshot | undefined
  /** The highest number of any kept snapshot. */
  readonly number: number
  readonly segments: SegmentSet
}

/** Makes the directory, removes what no snapshot names, and finds the segments of the snapshot to restore. */
export async function findSegments(
  options: StateStoreOptions,
  limits: CompactionLimits,
): Promise<FoundSegments> {
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
  return {
    from,
    number: Math.max(0, ...[from, ...retained].map((each) => each?.number ?? 0)),
    segments: new SegmentSet(limits, segments, retired, { number: used, epoch }),
  }
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
