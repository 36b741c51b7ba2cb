import zlib from 'node:zlib'

/** Compresses with gzip. */
export function gzip(bytes: Uint8Array): Uint8Array {
  return zlib.gzipSync(bytes)
}

/** Compresses with Zstandard. Undefined before Node 22.15, which does not have it. */
export const zstd: ((bytes: Uint8Array) => Uint8Array) | undefined = (
  zlib as { readonly zstdCompressSync?: (bytes: Uint8Array) => Uint8Array }
).zstdCompressSync
