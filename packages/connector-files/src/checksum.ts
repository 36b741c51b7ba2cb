import { crc32 } from 'node:zlib'

/**
 * The CRC-32 of zlib: of `bytes`, or of the concatenation of earlier bytes, whose checksum is `before`, and
 * `bytes`.
 */
export function checksum(bytes: Uint8Array, before = 0): number {
  return crc32(bytes, before)
}
