import zlib from 'node:zlib'
import { DataDirectory } from '@millrace/core/job'
import { deadLetter, pipeline, queueLetters, readLetters, type Pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { describe, expect, test } from 'vitest'
import { dataDirectory, startOn, upTo } from '../../../lab/servers/job-on-disk.ts'
import { readWithJava, writeWithJava } from '../../../scripts/services/kafka-console.ts'
import { kafka, type KafkaRecord, type ReadOptions } from '../src/index.ts'
import { numbered, type Numbered } from './job-parts.ts'
import { realBroker } from './real-broker.ts'

const broker = await realBroker()
const { brokers } = broker
const timeout = 300_000

function copying(input: ReadOptions['topic'], output: string, more: Partial<ReadOptions> = {}): Pipeline {
  return pipeline('copy', (p) => {
    p.from('in', kafka.readJson<Numbered>({ brokers, topic: input, ...more })).to(
      'out',
      kafka.writeJson({ brokers, topic: output, key: ({ k }) => k }),
    )
  })
}

async function numbersIn(topic: string, count: number): Promise<number[]> {
  await broker.transactionsMarked()
  const records = await readWithJava(brokers, topic, count + 10)
  return records.map(({ value }) => (JSON.parse(value) as Numbered).n).toSorted((a, b) => a - b)
}

const bounded = { isBounded: true }
const text = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : new TextDecoder().decode(bytes)

/** Runs a bounded job that reads, and returns what it has read. */
async function readAll<T = KafkaRecord>(
  options: Partial<ReadOptions>,
  directory?: string,
  decode: (record: KafkaRecord) => T = (record) => record as T,
): Promise<T[]> {
  await broker.transactionsMarked()
  const found: T[] = []
  const built = pipeline('look', (p) => {
    p.from('in', kafka.readRecords({ brokers, topic: '', decode, ...options })).to('out', {
      kind: 'list',
      guarantee: 'at-least-once',
      open: () =>
        Promise.resolve({
          write: ({ values, length }) => void found.push(...values.slice(0, length)),
          prepare: () => Promise.resolve(undefined),
          close: () => Promise.resolve(),
        }),
    })
  })
  const result = await startOn(built, directory ?? (await dataDirectory()), bounded).ended
  if (result.outcome === 'failed') throw result.error
  return found
}

const valueOf = ({ value }: KafkaRecord): string | null => text(value)

describe.skipIf(broker.missing !== undefined)('a job on a real broker', () => {
  test('copies 10,000 records once each, in order of their keys, while the broker is killed and restarted twice', async () => {
    const [input, output] = [await broker.freshTopic(4), await broker.freshTopic(4)]
    const warnings: string[] = []
    const job = startOn(copying(input, output), await dataDirectory(), { warnings })
    await expect.poll(() => job.status().lastCheckpoint, { timeout }).toBeDefined()
    await broker.produce(input, numbered(0, 3_400))
    await broker.restart()
    await broker.produce(input, numbered(3_400, 6_800))
    await broker.restart()
    await broker.produce(input, numbered(6_800, 10_000))
    await expect.poll(() => readAll({ topic: output }).then((all) => all.length), { timeout }).toBe(10_000)
    await job.stop()
    const records = await readWithJava(brokers, output, 10_010)
    for (let k = 0; k < 7; k++) {
      const found = records.filter(({ key }) => key === `k${k}`)
      const numbers = found.map(({ value }) => (JSON.parse(value) as Numbered).n)
      expect([k, numbers]).toEqual([k, upTo(10_000).filter((n) => n % 7 === k)])
    }
    expect(records.length).toBe(10_000)
  })

  test('continues where it stopped, and reads what was added meanwhile, also in a new partition', async () => {
    const [input, output, directory] = [
      await broker.freshTopic(),
      await broker.freshTopic(),
      await dataDirectory(),
    ]
    await broker.produce(input, numbered(0, 100))
    expect(await startOn(copying(input, output), directory, bounded).ended).toEqual({
      outcome: 'finished',
    })
    await broker.addPartitions(input, 3)
    const more = numbered(100, 150).map((record, index) => ({ ...record, partition: index % 3 }))
    await expect
      .poll(
        () =>
          broker.produce(input, more).then(
            () => true,
            () => false,
          ),
        { timeout },
      )
      .toBe(true)
    expect(await startOn(copying(input, output), directory, bounded).ended).toEqual({
      outcome: 'finished',
    })
    expect(await numbersIn(output, 150)).toEqual(upTo(150))
  })

  test('finds topics and partitions that are made while it runs, and reads them from their beginning', async () => {
    const [first, output] = [await broker.freshTopic(), await broker.freshTopic()]
    const pattern = new RegExp(`${first}(-more-\\d)?`)
    const built = copying(pattern, output, { from: 'latest', discoverEvery: '100ms' })
    await broker.produce(first, numbered(900, 905))
    const job = startOn(built, await dataDirectory())
    await expect.poll(() => job.status().lastCheckpoint, { timeout }).toBeDefined()
    await broker.makeTopic(`${first}-more-1`, 2)
    await broker.produce(
      `${first}-more-1`,
      numbered(0, 10).map((record, index) => ({ ...record, partition: index % 2 })),
    )
    await broker.produce(first, numbered(10, 15))
    await expect.poll(() => readAll({ topic: output }).then((all) => all.length), { timeout }).toBe(15)
    await job.stop()
    expect(await numbersIn(output, 15)).toEqual(upTo(15))
  })

  test('begins at an offset, at a time, and at the end, also when it stops before there is a record', async () => {
    const topic = await broker.freshTopic(2)
    const at = (n: number): object => ({ partition: n % 2, timestamp: 1_000_000 + n * 1_000 })
    await broker.produce(
      topic,
      upTo(10).map((n) => ({ value: String(n), ...at(n) })),
    )
    const read = async (from: ReadOptions['from'], directory?: string): Promise<string[]> =>
      (await readAll({ topic, from: from! }, directory, valueOf)).map(String).toSorted()
    expect(await read({ offsets: { [`${topic}-1`]: 4 } })).toEqual(['0', '2', '4', '6', '8', '9'])
    expect(await read({ time: 1_007_000 })).toEqual(['7', '8', '9'])
    const directory = await dataDirectory()
    expect(await read('latest', directory)).toEqual([])
    await broker.produce(topic, [{ value: 'new', partition: 0 }])
    expect(await read('latest', directory)).toEqual(['new'])
  })

  test('carries headers from topic to topic, through steps and a keyed operator', async () => {
    const [input, output] = [await broker.freshTopic(1), await broker.freshTopic(1)]
    const headers = [{ traceparent: '00-a-b-01' }]
    await broker.produce(input, [{ value: '1', headers }, { value: '2' }])
    const built = pipeline('trace', (p) => {
      p.from('in', kafka.readJson<number>({ brokers, topic: input }))
        .map((n) => n * 10)
        .keyBy((n) => n)
        .scan(
          'last',
          () => 0,
          (_, n) => n,
        )
        .to('out', kafka.writeJson({ brokers, topic: output }))
    })
    expect(await startOn(built, await dataDirectory(), bounded).ended).toEqual({ outcome: 'finished' })
    const records = await readAll({ topic: output })
    expect(records.map((r) => r.headers.map(([name, value]) => [name, text(value)]))).toEqual([
      [['traceparent', '00-a-b-01']],
      [],
    ])
  })

  test('redrives a dead letter with the headers of its record', async () => {
    const [input, output, directory] = [
      await broker.freshTopic(1),
      await broker.freshTopic(1),
      await dataDirectory(),
    ]
    const headers = [{ traceparent: '00-a-b-01' }]
    await broker.produce(input, [{ value: '1', headers }])
    const checking = (limit: number): Pipeline =>
      pipeline('check', (p) => {
        p.onError(deadLetter('rejected'))
        p.from('in', kafka.readJson<number>({ brokers, topic: input }))
          .map((n) => {
            if (n > limit) throw new RangeError(`${n} is too much`)
            return n
          })
          .to('out', kafka.writeJson({ brokers, topic: output }))
      })
    expect(await startOn(checking(0), directory, bounded).ended).toEqual({ outcome: 'finished' })
    const { fs } = nodePlatform()
    const data = new DataDirectory(directory)
    const found = await readLetters(fs, data.connector('rejected'))
    expect(found.map((letter) => letter.headers)).toEqual(headers)
    await queueLetters(fs, data.connector('in'), found)
    expect(await startOn(checking(1), directory, bounded).ended).toEqual({ outcome: 'finished' })
    const records = await readAll({ topic: output })
    expect(records.map((r) => r.headers.map(([name, value]) => [name, text(value)]))).toEqual([
      [['traceparent', '00-a-b-01']],
    ])
  })

  test('keeps keys, headers, timestamps, tombstones and partitions on the way through', async () => {
    const [input, output] = [await broker.freshTopic(3), await broker.freshTopic(3)]
    await broker.produce(input, [
      {
        value: 'a',
        key: 'k',
        partition: 2,
        timestamp: 5_000,
        headers: [{ h: 'one' }, { h: 'two' }, { '': '' }],
      },
      { value: null, key: 'gone', partition: 2, timestamp: 6_000 },
      { value: '', key: '', partition: 2, timestamp: 7_000 },
    ])
    const built = pipeline('copy', (p) => {
      p.from('in', kafka.readRecords({ brokers, topic: input })).to(
        'out',
        kafka.writeRecords({
          brokers,
          topic: output,
          record: (record) => ({ ...record, topic: output }),
        }),
      )
    })
    expect(await startOn(built, await dataDirectory(), bounded).ended).toEqual({ outcome: 'finished' })
    const [first, second, third] = await readAll({ topic: output })
    expect(first!.headers.map(([name, value]) => [name, text(value)])).toEqual([
      ['h', 'one'],
      ['h', 'two'],
      ['', ''],
    ])
    expect(
      [first, second, third].map((r) => [text(r!.key), text(r!.value), r!.timestamp, r!.partition]),
    ).toEqual([
      ['k', 'a', 5_000, 2],
      ['gone', null, 6_000, 2],
      ['', '', 7_000, 2],
    ])
  })

  test('EN-223 reads no record of an open or aborted transaction, and ends in front of it', async () => {
    const topic = await broker.freshTopic()
    await broker.produce(topic, [{ value: 'before' }])
    await broker.produce(topic, [{ value: 'open' }], `first-${topic}`)
    // A second producer with the same id aborts the transaction of the first.
    await broker.produce(topic, [{ value: 'open as well' }], `first-${topic}`)
    expect(await readAll({ topic }, undefined, valueOf)).toEqual(['before'])
    expect(await readAll({ topic, isolation: 'uncommitted' }, undefined, valueOf)).toEqual([
      'before',
      'open',
      'open as well',
    ])
  })

  test('is no member of its group, and copies the offsets of its checkpoint to it', async () => {
    const [input, output] = [await broker.freshTopic(), await broker.freshTopic()]
    const group = `group-${input}`
    await broker.produce(input, numbered(0, 20))
    const job = startOn(copying(input, output, { group }), await dataDirectory(), {
      checkpoints: { everyMs: 20 },
    })
    await expect.poll(() => broker.committed(group, input, 0), { timeout }).toBe(20)
    expect(await broker.members(group)).toEqual([])
    await job.stop()
  })

  test('is held up by one record for longer than members of a group may be, and misses and repeats nothing', async () => {
    const [input, output] = [await broker.freshTopic(), await broker.freshTopic()]
    const group = `slow-${input}`
    const source = kafka.readJson<Numbered>({ brokers, topic: input, group })
    const built = pipeline('slow', (p) => {
      p.from('in', source)
        .map((value) => {
          if (value.n === 5) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 7_000)
          return value
        })
        .to('out', kafka.writeJson({ brokers, topic: output }))
    })
    await broker.produce(input, numbered(0, 100))
    const warnings: string[] = []
    const job = startOn(built, await dataDirectory(), { warnings })
    await expect.poll(() => broker.committed(group, input, 0), { timeout }).toBe(100)
    expect(await broker.members(group)).toEqual([])
    await broker.produce(input, numbered(100, 110))
    await expect.poll(() => broker.committed(group, input, 0), { timeout }).toBe(110)
    expect(warnings).toEqual([])
    await job.stop()
    expect(await numbersIn(output, 110)).toEqual(upTo(110))
  })

  test('fails when records were deleted before it has read them, and continues if it may', async () => {
    const [input, output, directory] = [
      await broker.freshTopic(),
      await broker.freshTopic(),
      await dataDirectory(),
    ]
    await broker.produce(input, numbered(0, 10))
    await startOn(copying(input, output), directory, bounded).ended
    await broker.produce(input, numbered(10, 20))
    await broker.deleteRecords(input, 0, 15)
    expect(await startOn(copying(input, output), directory, bounded).ended).toMatchObject({
      outcome: 'failed',
      error: { message: expect.stringMatching(/offset 10 to 14 were deleted before they were read/) },
    })
    const lenient = copying(input, output, { ifTrimmed: 'continue' })
    expect(await startOn(lenient, directory, bounded).ended).toEqual({ outcome: 'finished' })
    expect(await numbersIn(output, 15)).toEqual([...upTo(10), ...upTo(20, 15)])
  })

  test('puts keys into the partitions that Java chooses', async () => {
    const output = await broker.freshTopic(12)
    const input = await broker.freshTopic()
    const keys = [
      '21',
      'foobar',
      'a-little-bit-long-string',
      'lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8',
    ]
    await broker.produce(
      input,
      keys.map((key) => ({ value: JSON.stringify(key) })),
    )
    const copy = pipeline('copy', (p) => {
      p.from('in', kafka.readJson<string>({ brokers, topic: input })).to(
        'out',
        kafka.writeText({ brokers, topic: output, key: (key) => key }),
      )
    })
    await startOn(copy, await dataDirectory(), bounded).ended
    // The hashes are those of the tests of Kafka's own partitioner.
    const hashes = [-973932308, -790332482, -985981536, -58897971]
    const found = new Map((await readAll({ topic: output })).map((r) => [text(r.key), r.partition]))
    expect(keys.map((key) => found.get(key))).toEqual(hashes.map((hash) => (hash & 0x7fffffff) % 12))
  })

  const hasZstd = 'zstdCompressSync' in zlib
  test.each(['none', 'gzip', 'snappy', 'lz4', ...(hasZstd ? ['zstd' as const] : [])] as const)(
    'writes what Java reads, with compression %s',
    async (compression) => {
      const [input, output] = [await broker.freshTopic(), await broker.freshTopic()]
      const lines = upTo(3_000).map((n) => `${n} ${'again and again '.repeat(n % 9)}${n * n}`)
      await broker.produce(
        input,
        lines.map((value) => ({ value, partition: 0 })),
      )
      const copy = pipeline('copy', (p) => {
        p.from('in', kafka.readText({ brokers, topic: input })).to(
          'out',
          kafka.writeText({ brokers, topic: output, compression }),
        )
      })
      expect(await startOn(copy, await dataDirectory(), bounded).ended).toEqual({ outcome: 'finished' })
      await broker.transactionsMarked()
      expect((await readWithJava(brokers, output, lines.length)).map(({ value }) => value)).toEqual(lines)
    },
  )

  test.each(['none', 'lz4', 'zstd'])('reads what Java writes, with compression %s', async (compression) => {
    const topic = await broker.freshTopic()
    const lines = upTo(500).map((n) => `${n} ${'again and again '.repeat(n % 9)}`)
    await writeWithJava(brokers, topic, lines, compression)
    expect(await readAll({ topic }, undefined, valueOf)).toEqual(lines)
  })
})
