import { SimFs } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { kafka, type ReadOptions } from '../src/index.ts'
import type { KafkaRecord } from '../src/record.ts'
import { TopicSource } from '../src/topic-source.ts'
import type { KafkaPosition } from '../src/topic-reader.ts'
import { MemoryCluster } from './memory-cluster.ts'
import { contextOf, type TestContext } from './sink-parts.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const read = ({ value }: KafkaRecord): string => new TextDecoder().decode(value ?? undefined)

function cluster(values: readonly string[] = []): MemoryCluster {
  const made = new MemoryCluster()
  made.addTopic('in', 1)
  for (const [n, value] of values.entries())
    made.append('in', 0, { value: text(value), timestamp: 1_000 * n })
  return made
}

function sourceOn(made: MemoryCluster, options: Partial<ReadOptions> = {}): TopicSource<string> {
  return new TopicSource(made.connect, read, { brokers: made.address, topic: 'in', ...options })
}

/** Reads a split until nothing more is there. */
async function readAll(
  source: TopicSource<string>,
  context: TestContext,
  from?: KafkaPosition,
  split = 'in-0',
): Promise<{ readonly values: readonly string[]; readonly position: KafkaPosition }> {
  const reader = await source.open(split, from, context)
  const values: string[] = []
  for (;;) {
    const poll = reader.poll(10)
    if (poll.kind === 'records') values.push(...poll.values)
    else if (poll.kind === 'end' || poll.isCaughtUp) break
    else await reader.ready()
  }
  await reader.close()
  return { values, position: reader.position() }
}

describe('a source of topics', () => {
  test('EN-243 offsets without records are no loss, and are counted as read', async () => {
    const made = cluster(['a'])
    made.skip('in', 0, 5)
    made.append('in', 0, { value: text('b') })
    made.skip('in', 0, 2)
    const { values, position } = await readAll(sourceOn(made), contextOf())
    expect([values, position]).toEqual([['a', 'b'], { offset: 9 }])
    expect(await readAll(sourceOn(made), contextOf({ isBounded: true }), position)).toEqual({
      values: [],
      position: { offset: 9 },
    })
  })

  test('offsets without records that come alone are counted as read', async () => {
    const made = cluster(['a'])
    const reader = await sourceOn(made).open('in-0', undefined, contextOf())
    await reader.ready()
    reader.poll(10)
    made.skip('in', 0, 4)
    expect(reader.poll(10)).toEqual({ kind: 'pending', isCaughtUp: true })
    expect(reader.position()).toEqual({ offset: 5 })
  })

  test('records carry the headers of their records: text, bytes that are none, and the last of one name', async () => {
    const made = cluster(['a'])
    const headers = [
      ['h', text('one')],
      ['h', text('two \ufeff')],
      ['b', Uint8Array.of(255)],
    ] as const
    made.append('in', 0, { value: text('b'), headers })
    const reader = await sourceOn(made).open('in-0', undefined, contextOf())
    await reader.ready()
    const poll = reader.poll(10)
    expect(poll).toMatchObject({ headers: [undefined, { h: 'two \ufeff', b: Uint8Array.of(255) }] })
    await reader.close()
  })

  test('deleted records fail the job before any later one is read, or are skipped with a warning', async () => {
    const made = cluster(['a', 'b', 'c', 'd'])
    made.trim('in', 0, 3)
    const context = contextOf()
    await expect(sourceOn(made).open('in-0', { offset: 1 }, context)).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      isFinal: true,
      message: expect.stringContaining('offset 1 to 2 were deleted before they were read'),
    })
    const lenient = sourceOn(made, { ifTrimmed: 'continue' })
    expect((await readAll(lenient, context, { offset: 1 })).values).toEqual(['d'])
    expect(context.warnings.join()).toContain('continuing at offset 3')
  })

  test('a partition that stays silent because its records are gone is noticed when partitions are looked for', async () => {
    const made = cluster(['a', 'b', 'c'])
    made.isSilent = true
    const source = sourceOn(made)
    const context = contextOf()
    const reader = await source.open('in-0', undefined, context)
    // The client has said neither that it has caught up nor that the records are gone.
    expect(reader.poll(10).kind).toBe('pending')
    const woken = reader.ready()
    made.trim('in', 0, 2)
    await source.discover(context)
    expect(() => reader.poll(10)).toThrow(
      expect.objectContaining({ message: expect.stringContaining('offset 0 to 1 were deleted') }),
    )
    await woken
  })

  test('a topic that was deleted and made anew fails the job', async () => {
    await expect(sourceOn(cluster(['a'])).open('in-0', { offset: 7 }, contextOf())).rejects.toMatchObject({
      message: expect.stringContaining('the topic was deleted and made anew'),
    })
  })

  test('`latest` and a time mean the moment of the first start, also after a restart without a checkpoint', async () => {
    for (const from of ['latest', { time: 1_500 }] as const) {
      const made = cluster(['a', 'b'])
      const fs = new SimFs()
      await sourceOn(made, { from }).discover(contextOf({ fs }))
      made.append('in', 0, { value: text('c'), timestamp: 9_000 })
      const next = contextOf({ fs: fs.afterPowerLoss() })
      const source = sourceOn(made, { from })
      await source.discover(next)
      expect((await readAll(source, next)).values).toEqual(['c'])
    }
  })

  test('another start in the program counts where there is no position, as after a reset', async () => {
    const made = cluster(['a', 'b'])
    const fs = new SimFs()
    await sourceOn(made, { from: 'latest' }).discover(contextOf({ fs }))
    made.append('in', 0, { value: text('c'), timestamp: 9_000 })
    for (const [time, values] of [[0, ['a', 'b', 'c']] as const, [9_000, ['c']] as const]) {
      const context = contextOf({ fs: fs.afterPowerLoss() })
      const source = sourceOn(made, { from: { time } })
      await source.discover(context)
      expect((await readAll(source, context)).values).toEqual(values)
    }
  })

  test('a partition that was added later is read from its beginning, whatever `from` says', async () => {
    const made = cluster(['a'])
    const fs = new SimFs()
    await sourceOn(made, { from: 'latest' }).discover(contextOf({ fs }))
    made.addTopic('in', 2)
    made.append('in', 1, { value: text('new') })
    const context = contextOf({ fs: fs.afterKill() })
    const source = sourceOn(made, { from: 'latest' })
    expect((await source.discover(context)).splits).toEqual(['in-0', 'in-1'])
    expect((await readAll(source, context, undefined, 'in-1')).values).toEqual(['new'])
    expect((await readAll(source, context)).values).toEqual([])
  })

  test('a pattern describes whole names, and no internal topics', async () => {
    const made = new MemoryCluster()
    for (const topic of ['orders', 'orders-eu', 'old-orders', '__orders']) made.addTopic(topic, 1)
    const { splits, isComplete } = await sourceOn(made, { topic: /_*orders(-..)?/g }).discover(contextOf())
    expect([splits, isComplete]).toEqual([['orders-0', 'orders-eu-0'], false])
  })

  test('a partition with many records that nothing takes is paused, and resumed when they are taken', async () => {
    const made = cluster()
    const reader = await sourceOn(made).open('in-0', undefined, contextOf())
    await reader.ready()
    for (let n = 0; n < 10_000; n++) made.append('in', 0, { value: text(String(n)) })
    const values: string[] = []
    while (values.length < 10_000) {
      const poll = reader.poll(500)
      if (poll.kind === 'records') values.push(...poll.values)
      else await reader.ready()
    }
    expect(values).toEqual(Array.from({ length: 10_000 }, (_, n) => String(n)))
  })

  test('a partition whose few records have many bytes is paused as well', async () => {
    const made = cluster()
    const reader = await sourceOn(made).open('in-0', undefined, contextOf())
    await reader.ready()
    const value = new Uint8Array(2 ** 20)
    for (let n = 0; n < 20; n++) made.append('in', 0, { value })
    // More than 4 MB wait now, so nothing more is asked for.
    expect(made.handedOut('in', 0)).toBe(5)
    let count = 0
    while (count < 20) {
      const poll = reader.poll(2)
      if (poll.kind === 'records') count += poll.values.length
      else await reader.ready()
    }
    expect(made.handedOut('in', 0)).toBe(20)
  })

  test('the lag is what was not read yet, also of a partition that is paused', async () => {
    const made = cluster(['a', 'b', 'c'])
    const source = sourceOn(made)
    const context = contextOf()
    const reader = await source.open('in-0', undefined, context)
    await reader.ready()
    expect(reader.lag?.()).toEqual({ records: 3 })
    reader.poll(2)
    expect(reader.lag?.()).toEqual({ records: 1 })
    for (let n = 0; n < 9_000; n++) made.append('in', 0, { value: text('x') })
    await source.discover(context)
    expect(reader.lag?.()).toEqual({ records: 9_001 })
    await reader.close()
  })

  test('bytes read are those of keys, values and headers of the records that were handed out', async () => {
    const made = cluster(['four', 'ü'])
    made.append('in', 0, { value: null, key: text('key') })
    const reader = await sourceOn(made).open('in-0', undefined, contextOf())
    expect(reader.bytesRead).toBe(0)
    await reader.ready()
    expect(reader.poll(1)).toMatchObject({ values: ['four'] })
    expect(reader.bytesRead).toBe(4)
    reader.poll(10)
    expect(reader.bytesRead).toBe(4 + 2 + 3)
    reader.poll(10)
    expect(reader.bytesRead).toBe(9)
    await reader.close()
  })

  test('offsets are copied to the group when they are acknowledged, and only then', async () => {
    const made = cluster(['a', 'b'])
    const reader = await sourceOn(made, { group: 'g' }).open('in-0', undefined, contextOf())
    await reader.ready()
    reader.poll(10)
    expect(made.groupOffsets.size).toBe(0)
    await reader.acknowledge?.(reader.position())
    await Promise.resolve()
    expect([...made.groupOffsets]).toEqual([['g in-0', 2]])
  })

  test('closing leaves no connection', async () => {
    const made = cluster(['a'])
    const source = sourceOn(made)
    await readAll(source, contextOf())
    await source.close()
    expect(made.connections).toBe(0)
  })
})

describe('options of Kafka', () => {
  const brokers = 'localhost:9092'

  test('that cannot be meant are refused, and their secrets are not repeated', () => {
    const invalid = (make: () => unknown, message: RegExp): void =>
      expect(make).toThrow(
        expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(message) }),
      )
    invalid(
      () => kafka.readText({ brokers: 'user:secret-word@host', topic: 'a' }),
      /^(?!.*secret-word).*brokers/,
    )
    invalid(() => kafka.readText({ brokers, topic: [] }), /topic/)
    invalid(() => kafka.readText({ brokers, topic: 'a', from: 'yesterday' as never }), /from is none of/)
    invalid(() => kafka.readText({ brokers, topic: 'a', from: { offsets: { a: 1 } } }), /from is none of/)
    invalid(() => kafka.readText({ brokers, topic: 'a', isolation: 'none' as never }), /isolation/)
    invalid(() => kafka.readText({ brokers, topic: 'a', ifTrimmed: 'x' as never }), /ifTrimmed/)
    invalid(() => kafka.readText({ brokers, topic: 'a', discoverEvery: 0 }), /discoverEvery/)
    invalid(() => kafka.readText({ brokers, topic: 'a', topics: 'b' } as never), /did you mean topic/)
    invalid(() => kafka.readText({ brokers, topic: 'a', requestTimeout: 0 }), /requestTimeout/)
    invalid(() => kafka.writeText({ brokers, topic: '' }), /topic is no name/)
    invalid(() => kafka.writeText({ brokers, topic: 'a', maxRecordBytes: 0 }), /maxRecordBytes/)
    invalid(() => kafka.writeText({ brokers, topic: 'a', guarantee: 'none' as never }), /guarantee/)
    invalid(
      () => kafka.writeText({ brokers, topic: 'a', compression: 'lzma' as never }),
      /compression is lzma; write none, gzip, snappy, lz4 or zstd/,
    )
    invalid(
      () => kafka.writeText({ brokers, topic: 'a', tls: { key: 'secret-word' } }),
      /^(?!.*secret-word).*certificate/,
    )
    const bearer = { mechanism: 'oauthbearer' as const, token: 'secret-word' as never }
    invalid(() => kafka.readText({ brokers, topic: 'a', sasl: bearer }), /^(?!.*secret-word).*no function/)
    const sasl = { mechanism: 'gssapi' as never, username: 'u', password: 'secret-word' }
    invalid(() => kafka.writeText({ brokers, topic: 'a', sasl }), /^(?!.*secret-word).*mechanism/)
  })
})
