const namePattern = /^segment-(\d{6,})\.seg$/

/** One file of blocks, and what is known about the bytes in it. */
export class Segment {
  /** Grows with age: a lower number was written earlier. */
  readonly number: number
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

  constructor(number: number, bytes = 0, checksum = 0) {
    this.number = number
    this.bytes = bytes
    this.checksum = checksum
  }

  get file(): string {
    return segmentFile(this.number)
  }
}

function segmentFile(number: number): string {
  return `segment-${String(number).padStart(6, '0')}.seg`
}

/** The number in the name of a segment's file; undefined for a file that is none. */
export function segmentNumber(file: string): number | undefined {
  const digits = namePattern.exec(file)?.[1]
  if (digits === undefined) return undefined
  const number = Number(digits)
  return Number.isSafeInteger(number) && segmentFile(number) === file ? number : undefined
}
