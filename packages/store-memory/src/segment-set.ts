import { Segment, type SegmentName } from './segment.ts'

/** The limits of dead bytes. */
export interface CompactionLimits {
  /** The share of all bytes that may be dead, above 0 and below 1. */
  readonly deadRatioMax: number
  /** Full size of a segment in bytes. */
  readonly segmentBytes: number
}

/** A segment that no later snapshot names, and the number of the first snapshot without it. */
interface RetiredSegment {
  readonly segment: Segment
  readonly since: number
}

/**
 * The segments of the current state, oldest first, and the choice of victims.
 *
 * A tombstone matters only while an older segment may contain a record of its cell. So segments are removed
 * in the order of their age: the live cells of the oldest are rewritten and the next snapshots start after
 * it, without checking its tombstones.
 *
 * Invariants between any two calls:
 *
 *  1. `liveBytes` of all segments together is the length of the latest records of all cells that a snapshot
 *     taken now would restore. A record counts until its successor is written.
 *  2. Victims are the oldest segments, and none of them is active.
 */
export class SegmentSet {
  readonly #limits: CompactionLimits
  readonly #segments: Segment[]
  #retired: RetiredSegment[]
  #lastNumber: number
  readonly #epoch: number
  /** The segment for new records; always the last of `#segments`. */
  #active: Segment | undefined = undefined

  /**
   * `used` is the highest number that a file of this directory ever had, and the epoch of the current owner.
   */
  constructor(
    limits: CompactionLimits,
    segments: readonly Segment[],
    retired: readonly Segment[],
    used: SegmentName,
  ) {
    this.#limits = limits
    this.#segments = [...segments]
    this.#retired = retired.map((segment) => ({ segment, since: 0 }))
    this.#lastNumber = used.number
    this.#epoch = used.epoch
  }

  /** Oldest first. */
  get segments(): readonly Segment[] {
    return this.#segments
  }

  get active(): Segment | undefined {
    return this.#active
  }

  get liveBytes(): number {
    return this.#segments.reduce((sum, each) => sum + each.liveBytes, 0)
  }

  /** Bytes of all segments that still have a file. */
  get diskBytes(): number {
    const retired = this.#retired.reduce((sum, each) => sum + each.segment.bytes, 0)
    return this.#segments.reduce((sum, each) => sum + each.bytes, retired)
  }

  /** Opens a segment for new records. */
  activate(): Segment {
    const segment = this.reserve()
    this.adopt(segment)
    return segment
  }

  /** A segment that no snapshot names until it is adopted. */
  reserve(): Segment {
    return new Segment({ number: ++this.#lastNumber, epoch: this.#epoch })
  }

  /** Makes a reserved segment the active one. Those reserved before it are adopted before it, or never. */
  adopt(segment: Segment): void {
    this.#segments.push(segment)
    this.#active = segment
  }

  /** Seals the active segment. */
  seal(): void {
    this.#active = undefined
  }

  /**
   * Retires the segments that snapshot `number` and later ones need not name: the oldest segments without
   * live records, and segments without live records or tombstones in any position.
   */
  leaveOut(number: number): void {
    let isOldest = true
    const kept: Segment[] = []
    for (const segment of this.#segments) {
      isOldest &&= segment.liveBytes === 0
      const isNeeded = segment.liveBytes > 0 || (segment.hasGraves && !isOldest)
      if (isNeeded || segment === this.#active) kept.push(segment)
      else this.#retired.push({ segment, since: number })
    }
    this.#segments.splice(0, Infinity, ...kept)
  }

  /**
   * The retired segments whose files may be deleted: unnamed, and a published snapshot does not need them.
   */
  unneeded(named: ReadonlySet<string>, newestPublished: number): readonly Segment[] {
    return this.#retired
      .filter((each) => each.since <= newestPublished && !named.has(each.segment.file))
      .map((each) => each.segment)
  }

  /** Removes a retired segment whose file is deleted. */
  removed(segment: Segment): void {
    this.#retired = this.#retired.filter((each) => each.segment !== segment)
  }

  /** Whether the active segment is long enough to be sealed after a snapshot. */
  isActiveFull(): boolean {
    const { segmentBytes } = this.#limits
    const fair = Math.max(this.#totalBytes() / 16, segmentBytes / 64)
    return this.#active !== undefined && this.#active.bytes >= Math.min(fair, segmentBytes)
  }

  /**
   * Makes the oldest segments victims until the remaining dead bytes are clearly below the limit; true if
   * there are new ones. May choose the active segment, which the caller must then seal.
   *
   * Stopping well below the limit makes the search for live cells in the victims, which visits every cell,
   * worthwhile.
   */
  chooseVictims(): boolean {
    const { deadRatioMax, segmentBytes } = this.#limits
    const liveBytes = this.liveBytes
    let bytes = 0
    let count = 0
    for (const segment of this.#segments) {
      bytes += segment.isVictim ? segment.liveBytes : segment.bytes
      if (!segment.isVictim) count++
    }
    const countMax = 64 + (2 * bytes) / segmentBytes
    const isOver = (ratio: number, share: number): boolean =>
      bytes - liveBytes > Math.max(ratio * bytes, segmentBytes / 64) || count > share * countMax
    if (!isOver(deadRatioMax, 1)) return false
    for (const segment of this.#segments) {
      if (segment.isVictim) continue
      if (!isOver(0.75 * deadRatioMax, 0.5)) break
      segment.isVictim = true
      bytes -= segment.bytes - segment.liveBytes
      count--
    }
    return true
  }

  #totalBytes(): number {
    return this.#segments.reduce((sum, each) => sum + each.bytes, 0)
  }
}
