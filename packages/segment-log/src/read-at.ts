import type { FsFile } from '@millrace/core'

/** Reads `length` bytes from `offset` into a new buffer, or fewer at the end of the file. */
export async function readAt(file: FsFile, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let filled = 0
  while (filled < length) {
    const count = await file.read(bytes.subarray(filled), offset + filled)
    if (count === 0) break
    filled += count
  }
  return bytes.subarray(0, filled)
}
