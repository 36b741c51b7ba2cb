import { invalid } from '../options.ts'
import type { GrowingBytes } from './codec/growing.ts'
import { compressLz4 } from './codec/lz4-encoder.ts'
import { compressSnappy } from './codec/snappy-encoder.ts'
import { gzip, zstd } from './doors/deflate.ts'

/** How records are compressed. */
export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** Compresses the records of a batch. */
export interface Compressor {
  /** The number by which batches name it. */
  readonly codec: number
  /** Appends the compressed bytes to `out`. */
  readonly compress: (bytes: Uint8Array, out: GrowingBytes) => void
}

const whole =
  (compress: (bytes: Uint8Array) => Uint8Array): Compressor['compress'] =>
  (bytes, out) =>
    out.append(compress(bytes))

const compressors: Readonly<Record<Compression, Compressor | undefined>> = {
  none: undefined,
  gzip: { codec: 1, compress: whole(gzip) },
  snappy: { codec: 2, compress: compressSnappy },
  lz4: { codec: 3, compress: compressLz4 },
  zstd: zstd && { codec: 4, compress: whole(zstd) },
}

/** What compresses batches; undefined for nothing. Throws `OPTION_INVALID`. */
export function compressorOf(what: string, compression: Compression): Compressor | undefined {
  if (!Object.hasOwn(compressors, compression)) {
    throw invalid(what, `compression is ${String(compression)}; write none, gzip, snappy, lz4 or zstd`)
  }
  const found = compressors[compression]
  if (compression === 'zstd' && found === undefined) {
    throw invalid(what, "compression 'zstd' needs Node 22.15 or later; use another Node, or 'lz4'")
  }
  return found
}
