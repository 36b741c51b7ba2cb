/** A line, truncated if it is too long. */
export interface Line {
  /** The bytes without the line feed. */
  readonly bytes: Uint8Array
  /** The number of the line, from 1. */
  readonly number: number
  /** The offset of the line in the input, in bytes. */
  readonly offset: number
  /** Whether the line is longer than allowed and `bytes` is only its beginning. */
  readonly isCut: boolean
}

/**
 * Splits a stream of bytes into lines.
 *
 * Lines are split on demand, so the buffer holds exactly the bytes that were pushed and not yet taken. A line
 * that is too long is returned as soon as its length shows; its rest is skipped.
 */
export class LineSplitter {
  readonly #lineBytesMax: number
  readonly #chunks: Uint8Array[] = []
  /** How many bytes of the first chunk are used. */
  #at = 0
  /** The pieces of a line whose end has not arrived. */
  #pieces: Uint8Array[] = []
  #pieceBytes = 0
  #isPassingOver = false
  #hasEnded = false
  #number = 1
  #offset = 0
  #lineOffset = 0
  #pushedBytes = 0

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax
  }

  /** Number of bytes pushed and not yet scanned. */
  get waitingBytes(): number {
    return this.#pushedBytes - this.#offset
  }

  /** Number of bytes before the line that is next, or is being scanned. */
  get passedBytes(): number {
    return this.#lineOffset
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#chunks.push(bytes)
    this.#pushedBytes += bytes.length
  }

  /** Marks the end of the input: the remaining bytes are a line, too. */
  end(): void {
    this.#hasEnded = true
  }

  /** The next line, or undefined if its end has not arrived. */
  next(): Line | undefined {
    for (let chunk = this.#chunks[0]; chunk !== undefined; chunk = this.#chunks[0]) {
      const newline = chunk.indexOf(0x0a, this.#at)
      const end = newline === -1 ? chunk.length : newline
      this.#keep(chunk.subarray(this.#at, end))
      this.#offset += end - this.#at
      this.#at = end
      const cut = this.#cutIfTooLong()
      if (newline === -1) this.#dropChunk()
      if (cut !== undefined) return cut
      if (newline === -1) continue
      const line = this.#isPassingOver ? undefined : this.#line(false)
      this.#pastNewline(chunk)
      if (line !== undefined) return line
    }
    return this.#hasEnded ? this.#lastLine() : undefined
  }

  #keep(piece: Uint8Array): void {
    if (this.#isPassingOver || piece.length === 0) return
    this.#pieces.push(piece)
    this.#pieceBytes += piece.length
  }

  #cutIfTooLong(): Line | undefined {
    if (this.#pieceBytes <= this.#lineBytesMax) return undefined
    const line = this.#line(true)
    this.#isPassingOver = true
    return line
  }

  #line(isCut: boolean): Line {
    const bytes = joined(this.#pieces, Math.min(this.#pieceBytes, this.#lineBytesMax))
    this.#pieces = []
    this.#pieceBytes = 0
    return { bytes, number: this.#number, offset: this.#lineOffset, isCut }
  }

  #lastLine(): Line | undefined {
    const line = this.#pieceBytes === 0 ? undefined : this.#line(false)
    this.#lineOffset = this.#offset
    return line
  }

  #pastNewline(chunk: Uint8Array): void {
    this.#at++
    this.#offset++
    this.#number++
    this.#lineOffset = this.#offset
    this.#isPassingOver = false
    if (this.#at === chunk.length) this.#dropChunk()
  }

  #dropChunk(): void {
    this.#chunks.shift()
    this.#at = 0
  }
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = pieces
  if (only !== undefined && pieces.length === 1) return only.subarray(0, length)
  const bytes = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    const part = piece.subarray(0, length - at)
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Returns `bytes` without a byte order mark of UTF-8 at their start. */
export function withoutByteOrderMark(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes
}
