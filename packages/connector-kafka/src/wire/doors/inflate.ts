import zlib from 'node:zlib'
import { Decompress } from 'fzstd'
import { WireError } from '../cursor.ts'
import { batchBytesMax, GrowingBytes } from '../codec/growing.ts'

/** Decompresses gzip. */
export function gunzip(bytes: Uint8Array): Uint8Array {
  return zlib.gunzipSync(bytes, { maxOutputLength: batchBytesMax })
}

type Unzstd = (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array

/** Node has Zstandard from 22.15 on. */
const own = (zlib as { readonly zstdDecompressSync?: Unzstd }).zstdDecompressSync

/** Decompresses Zstandard. */
export function unzstd(bytes: Uint8Array): Uint8Array {
  return own === undefined ? unzstdByScript(bytes) : own(bytes, { maxOutputLength: batchBytesMax })
}

/** Decompresses Zstandard without Node's help. */
export function unzstdByScript(bytes: Uint8Array): Uint8Array {
  const out = new GrowingBytes(bytes.length * 4)
  let isWhole = false
  const stream = new Decompress((part, isLast) => {
    out.append(part)
    isWhole = isLast === true
  })
  stream.push(bytes, true)
  if (!isWhole) throw new WireError('Zstandard bytes are cut short')
  return out.finish()
}
