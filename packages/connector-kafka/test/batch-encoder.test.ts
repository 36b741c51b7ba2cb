import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Packing } from '../src/packing.ts'
import { partitionOfKey } from '../src/partitioner.ts'
import { readyRecord, type PackedBatch } from '../src/record.ts'
import { BatchEncoder, sequenceAfter, stamp } from '../src/wire/batch-encoder.ts'
import { GrowingBytes } from '../src/wire/codec/growing.ts'
import { decompressLz4 } from '../src/wire/codec/lz4.ts'
import { compressLz4 } from '../src/wire/codec/lz4-encoder.ts'
import { decompressSnappy } from '../src/wire/codec/snappy.ts'
import { compressSnappy } from '../src/wire/codec/snappy-encoder.ts'
import { compressorOf, type Compression } from '../src/wire/compression.ts'
import { batchAt, recordsOf } from '../src/wire/record-batch.ts'
import { contextOf } from './sink-parts.ts'

const runs = process.env['MILLRACE_TEST_LEVEL'] === 'full' ? 3_000 : 80
const of = { topic: 'orders', partition: 3 }
const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const hasZstd = process.versions.node.split('.').map(Number)[0]! >= 23

const anyBytes = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 60, maxLength: 300 }))
const anyRecord = fc.record({
  timestamp: fc.integer({ min: 1, max: 4_102_444_800_000 }),
  key: fc.option(anyBytes),
  value: fc.option(anyBytes),
  headers: fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 5 }), anyBytes), { maxLength: 3 }),
})
const codecs: readonly Compression[] = [
  'none',
  'gzip',
  'snappy',
  'lz4',
  ...(hasZstd ? ['zstd' as const] : []),
]
const someCodec = fc.constantFrom(...codecs)
/** Bytes that repeat themselves, near and far, and bytes that do not. */
const repetitive = fc
  .array(
    fc.tuple(
      fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 250, maxLength: 700 })),
      fc.constantFrom(1, 2, 3, 40, 300),
    ),
    { maxLength: 8 },
  )
  .map((parts) => Buffer.concat(parts.flatMap(([bytes, times]) => Array<Uint8Array>(times).fill(bytes))))

describe('the encoder of batches', () => {
  test('writes what the reader reads: keys, values, headers, times and offsets, by every codec', () => {
    fc.assert(
      fc.property(
        fc.array(anyRecord, { minLength: 1, maxLength: 12 }),
        someCodec,
        fc.boolean(),
        (records, name, isTransactional) => {
          const encoder = new BatchEncoder()
          // It begins anew after each batch.
          for (let round = 0; round < 2; round++) {
            for (const record of records) encoder.add(record, record.timestamp)
            const bytes = encoder.finish(compressorOf('test', name))
            stamp(bytes, { producer: 2 ** 40, epoch: 3, sequence: 2 ** 31 - 1, isTransactional })
            const batch = batchAt(bytes, 0)!
            expect(batch).toMatchObject({
              next: records.length,
              producer: 2 ** 40,
              isTransactional,
              isControl: false,
            })
            expect(batch.bytes.length).toBe(bytes.length)
            expect(recordsOf(batch, of, 0)).toEqual(
              records.map((record, offset) => ({ ...record, ...of, offset })),
            )
          }
        },
      ),
      { numRuns: runs },
    )
  })

  test('writes these bytes', () => {
    const encoder = new BatchEncoder()
    encoder.add({ key: text('k'), value: text('v'), headers: [['h', text('x')]] }, 1_000)
    encoder.add({ key: null, value: null, headers: [] }, 1_001)
    const bytes = encoder.finish(undefined)
    stamp(bytes, { producer: 7, epoch: 2, sequence: 5, isTransactional: true })
    expect(Buffer.from(bytes).toString('hex')).toBe(
      [
        '0000000000000000', // the first offset
        '00000045', // the length of what follows
        'ffffffff', // no epoch of a leader
        '02', // the format
        'f5c126a9', // the checksum
        '0010', // transactional
        '00000001', // the last offset
        '00000000000003e8', // the first time
        '00000000000003e9', // the last time
        '0000000000000007', // the producer
        '0002', // its epoch
        '00000005', // the sequence
        '00000002', // two records
        '18',
        '00',
        '00',
        '00',
        '026b',
        '0276',
        '02',
        '0268',
        '0278',
        '0c',
        '00',
        '02',
        '02',
        '01',
        '01',
        '00',
      ].join(''),
    )
  })

  test('leaves records as they are that do not get smaller', () => {
    const encoder = new BatchEncoder()
    encoder.add({ key: null, value: text('a'), headers: [] }, 1)
    const bytes = encoder.finish(compressorOf('test', 'lz4'))
    expect(new DataView(bytes.buffer, bytes.byteOffset).getInt16(21)).toBe(0)
  })

  test.each([
    ['LZ4', compressLz4, decompressLz4],
    ['Snappy', compressSnappy, decompressSnappy],
  ])('compresses by %s what the reader decompresses', (_name, compress, decompress) => {
    fc.assert(
      fc.property(repetitive, (bytes) => {
        const out = new GrowingBytes(64)
        compress(bytes, out)
        expect(Buffer.compare(decompress(out.finish()), bytes)).toBe(0)
      }),
      { numRuns: runs },
    )
    const repeated = Buffer.alloc(200_000, 'a line that comes again and again, ')
    const out = new GrowingBytes(64)
    compress(repeated, out)
    expect(out.length).toBeLessThan(repeated.length / 15)
  })

  test('numbers records up to 31 bits, and begins again with 0', () => {
    expect([sequenceAfter(0, 5), sequenceAfter(2 ** 31 - 1, 1), sequenceAfter(2 ** 31 - 2, 5)]).toEqual([
      5, 0, 3,
    ])
  })
})

describe('packing', () => {
  const pack = (maxRecordBytes: number): Packing =>
    new Packing({ compressor: undefined, maxRecordBytes }, contextOf())
  const valuesOf = ({ bytes, partition }: PackedBatch): string[] => {
    stamp(bytes, { producer: 0, epoch: 0, sequence: 0, isTransactional: false })
    return recordsOf(batchAt(bytes, 0)!, { topic: 't', partition }, 0).map(({ value }) =>
      new TextDecoder().decode(value ?? undefined),
    )
  }
  const carried = { time: Number.NaN, headers: {} }

  test('keeps the records of each partition in their order, in batches that are no larger than a record may be', () => {
    const packing = pack(400)
    const batches: PackedBatch[] = []
    for (let n = 0; n < 100; n++) {
      batches.push(...packing.add(readyRecord({ value: String(n), partition: n % 3 }, 't', carried), 3))
    }
    batches.push(...packing.takeAll())
    expect(Math.max(...batches.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(400)
    expect(batches.length).toBeLessThan(25)
    for (const partition of [0, 1, 2]) {
      const found = batches.filter((batch) => batch.partition === partition).flatMap(valuesOf)
      expect(found.map(Number)).toEqual(
        Array.from({ length: 100 }, (_, n) => n).filter((n) => n % 3 === partition),
      )
    }
    expect(packing.takeAll()).toEqual([])
  })

  test('puts records without a key into one partition until its batch is full, and then into another', () => {
    const packing = pack(400)
    const batches: PackedBatch[] = []
    for (let n = 0; n < 200; n++) {
      batches.push(...packing.add(readyRecord({ value: String(n) }, 't', carried), 50))
    }
    batches.push(...packing.takeAll())
    expect(batches.flatMap(valuesOf).map(Number)).toEqual(Array.from({ length: 200 }, (_, n) => n))
    expect(new Set(batches.map(({ partition }) => partition)).size).toBeGreaterThan(batches.length / 2)
  })

  test('gives a record without a time the time of now', () => {
    const packing = pack(400)
    packing.add(readyRecord({ value: 'a' }, 't', carried), 1)
    const [batch] = packing.takeAll()
    stamp(batch!.bytes, { producer: 0, epoch: 0, sequence: 0, isTransactional: false })
    expect(recordsOf(batchAt(batch!.bytes, 0)!, of, 0)[0]!.timestamp).toBe(1_000_000)
  })

  test('chooses the partition of a key as Java does', () => {
    // The hashes are those of the tests of Kafka's own partitioner.
    const hashes = {
      '21': -973932308,
      foobar: -790332482,
      'a-little-bit-long-string': -985981536,
      'a-little-bit-longer-string': -1486304829,
      lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
      abc: 479470107,
    }
    for (const [key, hash] of Object.entries(hashes)) {
      expect([key, partitionOfKey(text(key), 1_000)]).toEqual([key, (hash & 0x7fffffff) % 1_000])
    }
  })
})
