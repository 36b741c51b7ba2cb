const namePattern = /^segment-(\d{6,})\.(\d+)\.seg$/

/** A file of blocks, and facts about its bytes. */
export class Segment {
  /** A lower number was written earlier. */
  readonly number: number
  /** The epoch of the owner that created it. */
  readonly epoch: number
  /** Bytes that belong to the state; bytes after them are unused. */
  bytes: number
  /** `chainChecksum` of its blocks: distinguishes its bytes from those of any other file with its name. */
  checksum: number
  /** Bytes of the current records of live cells. All others are dead. */
  liveBytes = 0
  /** Whether it contains tombstones or drops, which may apply to records of older segments. */
  hasGraves = false
  /** Whether its live cells are being rewritten, so that it can be removed. */
  isVictim = false

  constructor({ number, epoch }: SegmentName, bytes = 0, checksum = 0) {
    this.number = number
    this.epoch = epoch
    this.bytes = bytes
    this.checksum = checksum
  }

  get file(): string {
    return fileOf(this)
  }
}

/** The parts of a segment's file name. */
export interface SegmentName {
  readonly number: number
  readonly epoch: number
}

function fileOf({ number, epoch }: SegmentName): string {
  return `segment-${String(number).padStart(6, '0')}.${epoch}.seg`
}

/** Parses a file name; undefined for a file that is not a segment. */
export function segmentName(file: string): SegmentName | undefined {
  const match = namePattern.exec(file)
  if (match === null) return undefined
  const name = { number: Number(match[1]), epoch: Number(match[2]) }
  const isWhole = Number.isSafeInteger(name.number) && Number.isSafeInteger(name.epoch)
  return isWhole && fileOf(name) === file ? name : undefined
}
