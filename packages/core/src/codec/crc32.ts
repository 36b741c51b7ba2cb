const table = new Uint32Array(256)
for (let byte = 0; byte < 256; byte++) {
  let remainder = byte
  for (let bit = 0; bit < 8; bit++)
    remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb8_8320 : remainder >>> 1
  table[byte] = remainder
}

/**
 * The CRC-32 of zlib and PNG, as an unsigned number. For small files: about 1.5 ns per byte, where the
 * platform's own is ten times faster.
 */
export function crc32(bytes: Uint8Array): number {
  let checksum = 0xffff_ffff
  for (let i = 0; i < bytes.length; i++) checksum = table[(checksum ^ bytes[i]!) & 0xff]! ^ (checksum >>> 8)
  return (checksum ^ 0xffff_ffff) >>> 0
}
