const encoder = new TextEncoder()

/** Text of at least this many characters is written by a native call, which costs more than a few steps of a loop. */
const nativeFrom = 24

/** Bytes into which text can be written in place, as Node's buffers. */
interface WritableText {
  latin1Write?(text: string, at: number): number
  utf8Write?(text: string, at: number): number
}

/** A growing buffer for text in UTF-8. */
export class TextBuffer {
  bytes: Uint8Array
  view: DataView
  /** How many bytes have been written. */
  length = 0
  readonly #allocate: (bytes: number) => Uint8Array

  /** With `allocate` its memory is that of Node's buffers, for example, into which text is written faster. */
  constructor(capacity = 1024, allocate: (bytes: number) => Uint8Array = (bytes) => new Uint8Array(bytes)) {
    this.#allocate = allocate
    this.bytes = allocate(capacity)
    this.view = viewOf(this.bytes)
  }

  /** What was written; valid until the next write. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  /** Makes room for `bytes` more bytes. */
  reserve(bytes: number): void {
    const needed = this.length + bytes
    if (needed <= this.bytes.length) return
    const grown = this.#allocate(Math.max(needed, this.bytes.length * 2))
    grown.set(this.written())
    this.bytes = grown
    this.view = viewOf(grown)
  }

  /** Writes any text. An unpaired surrogate becomes a replacement character. */
  text(text: string): void {
    this.reserve(text.length * 3)
    if (text.length < nativeFrom && this.ascii(text)) return
    const bytes = this.bytes as Uint8Array & WritableText
    this.length +=
      bytes.utf8Write === undefined
        ? encoder.encodeInto(text, bytes.subarray(this.length)).written
        : bytes.utf8Write(text, this.length)
  }

  /** Writes text that is known to be ASCII, for which there is room. */
  known(text: string): void {
    const bytes = this.bytes as Uint8Array & WritableText
    if (text.length >= nativeFrom && bytes.latin1Write !== undefined) {
      this.length += bytes.latin1Write(text, this.length)
    } else this.ascii(text)
  }

  /** Writes short text for which there is room; false, and nothing is written, if it is not ASCII. */
  ascii(text: string): boolean {
    const { bytes, length: at } = this
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      if (unit >= 0x80) return false
      bytes[at + i] = unit
    }
    this.length = at + text.length
    return true
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
