import { isMillraceError, MillraceError } from '@millrace/core'
import type { Fs } from '@millrace/core/disk'
import { assert } from '@millrace/core/store'
import { blockBytesMin, blockEnd, chainChecksum, corrupt, requireBlock } from '@millrace/segment-log'
import type { Segment, SegmentSet } from '@millrace/store-memory/segments'
import { BlockRecords } from './block-records.ts'
import { LogFile, type LogFate } from './log-file.ts'
import { slotsMax } from './place.ts'

/** Long enough for many records to share a header, short enough to be read for one of them. */
const blockBytesMax = 4096
/** How much is read at first: most blocks are shorter. */
const readBytes = blockBytesMax + 1024
/** How many bytes may wait for the disk before encoding pauses. */
const waitingBytesMax = 8 * 1024 * 1024
/** How many blocks that were read last are kept: neighbours are often read one after the other. */
const recentBlocks = 64

/** A segment and its file. */
export interface LogSegment {
  readonly segment: Segment
  readonly file: LogFile
  /** By which places refer to it. */
  readonly slot: number
}

/** A block that collects records. */
export interface OpenRecords {
  close(): void
}

/** What the log needs. */
export interface DiskLogParts {
  readonly fs: Fs
  readonly directory: string
  readonly segments: SegmentSet
  readonly segmentBytes: number
}

/**
 * The segments, as they are written and read.
 *
 * Records are written at *levels*. What a table writes before its freeze is at level 0, and belongs to the snapshot that
 * is being made; what it writes after its freeze is at level 1, in a segment that this snapshot does not name; after
 * another freeze, because the checkpoint was aborted, at level 2; and so on. `name` gives the levels below `levels` to the
 * snapshot, and what is left becomes level 0.
 *
 * Invariants between any two calls:
 *
 *  1. The segment of a higher level has a higher number. So a segment is not sealed because it is long while there is a
 *     level above 0.
 *  2. `liveBytes` of segments of the set counts what a snapshot named now would restore: what records of a level above 0
 *     have made dead counts as live until that level is part of a snapshot.
 */
export class DiskLog implements LogFate {
  readonly #fs: Fs
  readonly #directory: string
  readonly #set: SegmentSet
  readonly #segmentBytes: number
  /** A block is closed when its records have this size. */
  readonly blockBytes: number
  readonly #slots: (LogSegment | undefined)[] = []
  readonly #bySegment = new Map<Segment, LogSegment>()
  #levels: LogSegment[] = []
  /** What records of each level above 0 have made dead. */
  #dead: Map<Segment, number>[] = []
  readonly #open: Set<OpenRecords>[] = []
  /** Segments that are written to, or not durable yet, and those whose names are not. */
  readonly #unsynced = new Set<LogSegment>()
  readonly #unnamed = new Set<LogSegment>()
  readonly #recent: ({ readonly at: number; readonly records: BlockRecords } | undefined)[] = []
  failure: { readonly cause: unknown } | undefined = undefined
  isClosed = false
  /** Counts the snapshots that were named. */
  round = 0
  /** Bytes appended so far. */
  bytes = 0

  constructor({ fs, directory, segments, segmentBytes }: DiskLogParts) {
    this.#fs = fs
    this.#directory = directory
    this.#set = segments
    this.#segmentBytes = segmentBytes
    this.blockBytes = Math.min(blockBytesMax, segmentBytes / 16)
  }

  fail(cause: unknown): void {
    this.failure ??= { cause }
  }

  /** Whether so many bytes wait for the disk that encoding should pause. */
  get isBehind(): boolean {
    let bytes = 0
    for (const each of this.#unsynced) bytes += each.file.waitingBytes
    return bytes >= waitingBytesMax
  }

  at(slot: number): LogSegment {
    return this.#slots[slot]!
  }

  of(segment: Segment): LogSegment {
    return this.#bySegment.get(segment)!
  }

  /** Gives a segment of the restored snapshot its place. */
  add(segment: Segment): LogSegment {
    return this.#register(segment)
  }

  /** Registers a block that will be appended at a level. */
  openBlock(level: number, block: OpenRecords): void {
    ;(this.#open[level] ??= new Set()).add(block)
  }

  /** Appends a block of a level; called by its `close`. */
  append(
    level: number,
    from: OpenRecords,
    block: Uint8Array,
    checksum: number,
  ): readonly [LogSegment, number] {
    this.#open[level]?.delete(from)
    const target = this.#level(level)
    const { segment } = target
    const offset = target.file.append(block)
    assert(offset < 2 ** 32 - block.length, 'a segment is shorter than 4 GiB')
    segment.bytes += block.length
    segment.checksum = chainChecksum(segment.checksum, checksum)
    this.bytes += block.length
    return [target, offset]
  }

  /** The records of the block at an offset. Throws `CHECKPOINT_CORRUPT`, and what a read throws. */
  read(slot: number, offset: number): BlockRecords {
    const at = slot * 2 ** 32 + offset
    const index = (slot * 31 + (offset >>> 6)) % recentBlocks
    const recent = this.#recent[index]
    if (recent?.at === at) return recent.records
    const { file } = this.at(slot)
    const place = `${file.path}, byte ${offset}`
    let bytes = file.read(offset, readBytes)
    const end = bytes.length < blockBytesMin ? undefined : blockEnd(bytes, 0)
    if (end === undefined) throw corrupt(place, 'no block starts here')
    if (end > bytes.length) bytes = file.read(offset, end)
    const records = new BlockRecords(requireBlock(bytes, 0, end, place), place, end)
    this.#recent[index] = { at, records }
    return records
  }

  /** A live record is dead. `round` is that in which its successor was written, `level` the level. */
  bury(segment: Segment, bytes: number, level: number, round: number = this.round): void {
    if (level === 0 || round !== this.round) {
      segment.liveBytes -= bytes
      return
    }
    const dead = (this.#dead[level] ??= new Map())
    dead.set(segment, (dead.get(segment) ?? 0) + bytes)
  }

  closeBlocks(): void {
    for (const blocks of this.#open) if (blocks !== undefined) for (const block of blocks) block.close()
  }

  /** Seals the active segment if it is full, and may be. */
  sealWhenFull(): void {
    if (this.#levels.length === 1 && this.#levels[0]!.segment.bytes >= this.#segmentBytes) this.seal()
  }

  /** The next record opens a new segment. */
  seal(): void {
    if (this.#levels.length !== 1) return
    // Blocks of higher levels stay open: their segments do not exist yet, and will have higher numbers.
    for (const block of this.#open[0] ?? []) block.close()
    if (this.#levels.length !== 1) return
    this.#set.seal()
    this.#levels = []
  }

  /**
   * Gives the levels below `levels` to the snapshot of this number, and returns what it names. All blocks are closed.
   * Afterwards what remains is at level 0.
   */
  name<S>(number: number, levels: number, named: () => S): S {
    for (let level = 1; level < levels; level++) this.#adopt(level)
    this.#set.leaveOut(number)
    const snapshot = named()
    assert(this.#levels.length <= levels + 1, 'no table was frozen more often than the others')
    this.#adopt(levels)
    this.#levels = this.#levels.slice(-1)
    this.#dead = []
    this.round++
    return snapshot
  }

  /** Resolves when all bytes of these segments and their names are durable. Rejects with the first failure. */
  async flush(segments: readonly Segment[]): Promise<void> {
    const wanted = segments.map((segment) => this.of(segment)).filter((each) => this.#unsynced.has(each))
    const active = this.#levels[0]
    for (const each of wanted) {
      const isDone = each !== active && !this.#levels.includes(each)
      await (isDone ? each.file.finish() : each.file.flush())
      if (isDone) this.#unsynced.delete(each)
    }
    if (this.failure === undefined && wanted.some((each) => this.#unnamed.has(each))) {
      try {
        await this.#fs.syncDirectory(this.#directory)
        for (const each of wanted) this.#unnamed.delete(each)
      } catch (cause) {
        this.fail(cause)
      }
    }
    if (this.failure !== undefined) throw this.failure.cause
  }

  /** Deletes the file of a segment that nothing refers to. */
  async remove(segment: Segment): Promise<void> {
    const own = this.#bySegment.get(segment)
    if (own !== undefined) {
      await own.file.close()
      this.#bySegment.delete(segment)
      this.#unsynced.delete(own)
      this.#unnamed.delete(own)
      this.#slots[own.slot] = undefined
      this.#recent.length = 0
    }
    try {
      await this.#fs.remove(`${this.#directory}/${segment.file}`)
    } catch (cause) {
      if (!isMillraceError(cause, 'FS_NOT_FOUND')) throw cause
    }
  }

  async close(): Promise<void> {
    this.isClosed = true
    for (const each of this.#slots) await each?.file.close()
  }

  /** The segment of a level, which is made with all levels below it. */
  #level(level: number): LogSegment {
    while (this.#levels.length <= level) {
      const segment = this.#levels.length === 0 ? this.#set.activate() : this.#set.reserve()
      const own = this.#register(segment)
      own.file.create()
      this.#unsynced.add(own)
      this.#unnamed.add(own)
      this.#levels.push(own)
    }
    return this.#levels[level]!
  }

  #adopt(level: number): void {
    const own = this.#levels[level]
    if (own !== undefined) this.#set.adopt(own.segment)
    for (const [segment, bytes] of this.#dead[level] ?? []) segment.liveBytes -= bytes
  }

  #register(segment: Segment): LogSegment {
    let slot = this.#slots.indexOf(undefined)
    if (slot < 0) slot = this.#slots.length
    if (slot >= slotsMax) {
      throw new MillraceError(
        'OPTION_INVALID',
        `${this.#directory}: the state has more than ${slotsMax} segments; give diskStore a higher segmentBytes`,
      )
    }
    const file = new LogFile(this.#fs, `${this.#directory}/${segment.file}`, this)
    const own = { segment, file, slot }
    this.#slots[slot] = own
    this.#bySegment.set(segment, own)
    return own
  }
}
