import { crc32 } from 'node:zlib'

/** The CRC-32 of zlib: of `bytes` alone, or of everything that `before` is the checksum of followed by `bytes`. */
export function checksum(bytes: Uint8Array, before = 0): number {
  return crc32(bytes, before)
}
