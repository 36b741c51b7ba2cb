import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KafkaFailure } from '../src/cluster.ts'
import { batchBytesMax } from '../src/wire/codec/growing.ts'
import { crc32c } from '../src/wire/crc32c.ts'
import { Cursor, WireError } from '../src/wire/cursor.ts'
import { Frames } from '../src/wire/frames.ts'
import { PartitionFeed } from '../src/wire/partition-feed.ts'
import { batchAt, isAbortMark, recordsOf } from '../src/wire/record-batch.ts'
import {
  authenticateRequest,
  commitRequest,
  coordinatorRequest,
  fetchRequest,
  handshakeRequest,
  metadataRequest,
  offsetRequest,
  versionsRequest,
  type FetchedPartition,
  type Request,
} from '../src/wire/request.ts'
import {
  addOffsetsRequest,
  addPartitionsRequest,
  commitTransactionRequest,
  initRequest,
  offsetInTransactionRequest,
  produceRequest,
  stableOffsetRequest,
} from '../src/wire/write-request.ts'
import { batchBytes, gzip } from './batch-writer.ts'
import { packedBatches } from './packed-batches.ts'

const runs = process.env['MILLRACE_TEST_LEVEL'] === 'full' ? 20_000 : 400
const of = { topic: 'orders', partition: 3 }
const producer = { id: 'sink', producer: 7, epoch: 1 }
const limits = { isolation: 1, waitMs: 1, maxBytes: 1, maxPartitionBytes: 1 } as const

const requests: readonly Request<unknown>[] = [
  versionsRequest,
  metadataRequest(['orders']),
  offsetRequest(of, -1, 1),
  fetchRequest([{ ...of, offset: 0 }], limits),
  coordinatorRequest('transaction', 'sink'),
  commitRequest('g', []),
  handshakeRequest('PLAIN'),
  authenticateRequest(new Uint8Array(2)),
  initRequest('sink', 1),
  produceRequest([], null, 1),
  addPartitionsRequest(producer, []),
  addOffsetsRequest(producer, 'g'),
  offsetInTransactionRequest(producer, 'g', { ...of, offset: 1 }),
  commitTransactionRequest(producer),
  stableOffsetRequest('g', of),
]

/** Bytes that look like those of the protocol: small numbers, lengths, false lengths. */
const likelyBytes = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc.constantFrom<readonly number[]>(
        [0, 0, 0, 0],
        [0, 0, 0, 1],
        [0, 0, 0, 9],
        [0, 1],
        [0, 3, 97, 98, 99],
        [127, 255, 255, 255],
        [255, 255, 255, 255],
        [128, 128, 128, 128, 15],
        [0, 0, 0, 0, 0, 0, 0, 5],
      ),
    ),
    { maxLength: 60 },
  )
  .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])))

/** What may become of bytes on their way: some are replaced, left out, or put between. */
const change = fc.record({
  at: fc.nat(),
  leftOut: fc.nat(12),
  added: fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.constant(Uint8Array.of(127, 255, 255, 255))),
  cutAt: fc.option(fc.nat()),
})
type Change = typeof change extends fc.Arbitrary<infer C> ? C : never

function changed(bytes: Uint8Array, changes: readonly Change[]): Uint8Array {
  let result = bytes
  for (const { at, leftOut, added, cutAt } of changes) {
    const place = result.length === 0 ? 0 : at % result.length
    const whole = Buffer.concat([result.subarray(0, place), added, result.subarray(place + leftOut)])
    result = cutAt === null || whole.length === 0 ? whole : whole.subarray(0, cutAt % whole.length)
  }
  // Memory of its own, as frames have.
  return Uint8Array.from(result)
}

/** Calls something that reads bytes, which may refuse them only as bytes that no broker sends. */
function reads(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    if (!(error instanceof WireError) && !(error instanceof KafkaFailure)) throw error
  }
}

/** A batch, with its checksum made right again: what an attacker can do, and an accident cannot. */
function summed(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 61) return bytes
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  view.setInt32(8, bytes.length - 12)
  view.setInt8(16, 2)
  view.setUint32(17, crc32c(bytes, 21))
  return bytes
}

const wholeBatches: readonly Uint8Array[] = [
  batchBytes([{ offset: 0 }, { offset: 1 }, { offset: 2 }]),
  batchBytes([{ offset: 4, headers: [['h', Uint8Array.of(1)]] }, { offset: 9 }], gzip),
  ...Object.values(packedBatches).map((text) => Uint8Array.from(Buffer.from(text, 'base64'))),
]

describe('the answers of a hostile broker', () => {
  test.each(requests.map((request) => [request.name, request] as const))(
    '%s: any bytes are an answer or a failure of the wire',
    (_name, request) => {
      const anyBytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), likelyBytes)
      fc.assert(
        fc.property(anyBytes, (bytes) => reads(() => request.read(new Cursor(bytes)))),
        { numRuns: runs },
      )
    },
  )

  test('frames: any bytes are frames or a failure of the wire, and none is larger than what may come', () => {
    fc.assert(
      fc.property(fc.array(likelyBytes, { maxLength: 5 }), (parts) => {
        let total = 0
        const frames = new Frames((frame) => (total += frame.length))
        reads(() => parts.forEach((part) => frames.push(part)))
        expect(total).toBeLessThanOrEqual(parts.reduce((sum, { length }) => sum + length, 0))
      }),
      { numRuns: runs },
    )
  })

  test('batches: a real one that was changed is read, or is a failure of the wire, whatever its checksum says', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...wholeBatches),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        (whole, changes, isSummed) => {
          const bytes = changed(whole, changes)
          reads(() => {
            const batch = batchAt(isSummed ? summed(bytes) : bytes, 0)
            if (batch === undefined) return
            const records = recordsOf(batch, of, 0)
            // Every record takes seven bytes at least, and what is decompressed has a limit.
            expect(records.length).toBeLessThanOrEqual(batchBytesMax / 7)
            for (const { offset } of records) expect(offset).toBeLessThan(batch.next)
            isAbortMark(batch)
          })
        },
      ),
      { numRuns: runs },
    )
  })

  test('deliveries: whatever batches come, their offsets grow, and a failure ends them', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.constantFrom(...wholeBatches), fc.array(change, { maxLength: 2 }), fc.boolean()),
          {
            maxLength: 4,
          },
        ),
        fc.nat(60),
        (drawn, end) => {
          const parts = drawn.map(([whole, changes, isSummed]) => {
            const bytes = changed(whole, changes)
            return isSummed ? summed(bytes) : bytes
          })
          const answer: FetchedPartition = {
            ...of,
            error: 0,
            highWatermark: end,
            lastStable: end,
            aborted: [],
            batches: Uint8Array.from(Buffer.concat(parts)),
          }
          const offsets: number[] = []
          let failures = 0
          const feed = new PartitionFeed({
            of,
            from: 0,
            isolation: 1,
            changed: () => {},
            listener: {
              records: (records) => offsets.push(...records.map(({ offset }) => offset)),
              caughtUp: () => {},
              failed: (error) => {
                failures++
                expect(error).toBeInstanceOf(KafkaFailure)
              },
            },
          })
          feed.take(answer)
          expect(offsets).toEqual(offsets.toSorted((a, b) => a - b))
          expect(new Set(offsets).size).toBe(offsets.length)
          expect(offsets.every((offset) => Number.isSafeInteger(offset) && offset >= 0)).toBe(true)
          expect(feed.isClosed).toBe(failures === 1)
        },
      ),
      { numRuns: runs },
    )
  })
})
