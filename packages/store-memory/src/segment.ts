const namePattern = /^segment-(\d{6,})\.(\d+)\.seg$/

/** One file of blocks, and what is known about the bytes in it. */
export class Segment {
  /** Grows with age: a lower number was written earlier. */
  readonly number: number
  /** That of the owner who has made it. */
  readonly epoch: number
  /** Bytes that belong to the state; the file may hold more behind them, which nothing names. */
  bytes: number
  /** `chainChecksum` of its blocks: tells its bytes from those of any other file with its name. */
  checksum: number
  /** Bytes of records that say what a live cell holds. The others are dead weight. */
  liveBytes = 0
  /** Whether it holds tombstones or drops, which may be needed to kill records of older segments. */
  hasGraves = false
  /** Whether its live cells are being written anew, so that it can go. */
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

/** What the name of a segment's file says. */
export interface SegmentName {
  readonly number: number
  readonly epoch: number
}

function fileOf({ number, epoch }: SegmentName): string {
  return `segment-${String(number).padStart(6, '0')}.${epoch}.seg`
}

/** What the name of a file says; undefined for a file that is no segment. */
export function segmentName(file: string): SegmentName | undefined {
  const match = namePattern.exec(file)
  if (match === null) return undefined
  const name = { number: Number(match[1]), epoch: Number(match[2]) }
  const isWhole = Number.isSafeInteger(name.number) && Number.isSafeInteger(name.epoch)
  return isWhole && fileOf(name) === file ? name : undefined
}
