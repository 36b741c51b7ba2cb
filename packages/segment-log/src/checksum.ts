import { crc32 } from 'node:zlib'

/**
 * The CRC-32 of zlib and PNG, as an unsigned number: of `bytes` alone, or of everything behind `before`
 * followed by `bytes`.
 */
export function checksum(bytes: Uint8Array, before = 0): number {
  return crc32(bytes, before)
}
