import { KafkaFailure } from '@millrace/connector-kafka/port'
import { describe, expect, onTestFinished, test } from 'vitest'
import { groupConformance } from './group-conformance.ts'
import { chunks, PortSetting, Reading, valuesIn, type PortCluster, type Sent } from './port-parts.ts'

/** Makes a cluster, or the way to one; it is closed by itself when the test ends. */
export type OpenCluster = () => Promise<PortCluster>

/** What every implementation of the port does. */
export function portConformance(open: OpenCluster): void {
  const opened = async (): Promise<PortSetting> => {
    const setting = new PortSetting(await open())
    onTestFinished(() => setting.close())
    return setting
  }
  describe('topics', () => {
    topicConformance(opened)
  })
  describe('commits', () => {
    commitConformance(opened)
    sizeConformance(opened)
  })
  describe('fences', () => {
    fenceConformance(opened)
    abortConformance(opened)
  })
  describe('feeds', () => {
    feedConformance(opened)
  })
  describe('groups', () => {
    groupConformance(opened)
  })
}

type Opened = () => Promise<PortSetting>

const timeoutMs = 60_000

function topicConformance(opened: Opened): void {
  test('creating topics: those that exist already are left as they are', async () => {
    const setting = await opened()
    const { port } = await setting.process()
    const [one, two] = [setting.fresh('topic'), setting.fresh('topic')]
    await port.createTopics([{ name: one, partitions: 3, settings: {} }])
    await port.createTopics([
      { name: one, partitions: 3, settings: {} },
      { name: two, partitions: 1, settings: { 'cleanup.policy': 'compact' } },
    ])
    const topics = await port.topics()
    expect([topics.get(one), topics.get(two), await port.partitions(one)]).toEqual([3, 1, 3])
    expect(await port.partitions(setting.fresh('topic'))).toBeUndefined()
    expect(await port.range({ topic: one, partition: 2 })).toEqual({ first: 0, end: 0 })
  })

  test('creating topics: one with another number of partitions is refused by name', async () => {
    const setting = await opened()
    const { port } = await setting.process()
    const name = await setting.topic(port, 2)
    await expect(port.createTopics([{ name, partitions: 4, settings: {} }])).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining(`${name} has 2 partitions`),
    })
  })

  test('creating topics: a name that is not allowed is a failure that shows it', async () => {
    const setting = await opened()
    const { port } = await setting.process()
    const creating = port.createTopics([{ name: 'no/name', partitions: 1, settings: {} }])
    await expect(creating).rejects.toThrow(KafkaFailure)
    await expect(creating).rejects.toThrow('no/name')
  })

  test('deleting records: the range begins behind them, and it may be repeated', async () => {
    const setting = await opened()
    const { port } = await setting.process()
    const topic = await setting.topic(port)
    const producer = await port.atomic(setting.fresh('id'), timeoutMs)
    await producer.commit(chunks(['a', 'b', 'c'].map((value) => ({ topic, value }))))
    const of = { topic, partition: 0 }
    await setting.until('the commit is read', async () => (await port.range(of)).end === 4)
    await port.deleteRecords(of, 2)
    await port.deleteRecords(of, 2)
    await port.deleteRecords(of, 1)
    expect(await port.range(of)).toEqual({ first: 2, end: 4 })
    expect(await valuesIn(setting, port, of)).toEqual(['c'])
  })
}

function commitConformance(opened: Opened): void {
  test('a commit over three partitions: none of its records is read before, all are after', async () => {
    const setting = await opened()
    const { port } = await setting.process()
    const topic = await setting.topic(port, 3)
    const readings = await Promise.all([0, 1, 2].map((partition) => Reading.of(port, { topic, partition })))
    const producer = await port.atomic(setting.fresh('id'), timeoutMs)
    const seen = (): string => readings.map(({ values }) => values.join('')).join()
    const send = (value: string): readonly Sent[] =>
      [0, 1, 2].map((partition) => ({ topic, partition, value }))
    const before: string[] = []
    await producer.commit(
      (async function* () {
        yield* chunks(send('a'), send('b'))
        // What a reader gets while the transaction is open.
        await setting.until('the readers have asked', () => readings.every(({ feed }) => feed!.end === 0))
        before.push(seen())
        yield* chunks(send('c'), [])
      })(),
    )
    await setting.until('all are read', () => seen() === 'abc,abc,abc')
    expect(before).toEqual([',,'])
    expect(readings.map(({ offsets }) => offsets)).toEqual([
      [0, 1, 2],
      [0, 1, 2],
      [0, 1, 2],
    ])
  })

  test('a producer commits many times, and nothing as well', async () => {
    const setting = await opened()
    const { port } = await setting.process()
    const topic = await setting.topic(port)
    const producer = await port.atomic(setting.fresh('id'), timeoutMs)
    await producer.commit(chunks([]))
    for (const value of ['a', 'b', 'c']) await producer.commit(chunks([{ topic, value }]))
    await producer.commit(chunks())
    const of = { topic, partition: 0 }
    await setting.until('all are read', async () => (await port.range(of)).end === 6)
    expect(await valuesIn(setting, port, of)).toEqual(['a', 'b', 'c'])
  })
}

function sizeConformance(opened: Opened): void {
  test('a commit over 64 partitions', async () => {
    const setting = await opened()
    const { port } = await setting.process()
    const topic = await setting.topic(port, 64)
    const producer = await port.atomic(setting.fresh('id'), timeoutMs)
    const partitions = Array.from({ length: 64 }, (_, partition) => partition)
    await producer.commit(chunks(partitions.map((partition) => ({ topic, partition, value: 'x' }))))
    for (const partition of partitions) {
      const of = { topic, partition }
      await setting.until(`partition ${partition} is read`, async () => (await port.range(of)).end === 2)
    }
  })

  test('a commit of 10,000 records keeps their order', async () => {
    const setting = await opened()
    const { port } = await setting.process()
    const topic = await setting.topic(port, 1, { 'cleanup.policy': 'compact' })
    const producer = await port.atomic(setting.fresh('id'), timeoutMs)
    const numbers = Array.from({ length: 10_000 }, (_, number) => String(number))
    const records = numbers.map((value) => ({ topic, key: `key ${value}`, value }))
    await producer.commit(chunks(records.slice(0, 5_000), records.slice(5_000)))
    const of = { topic, partition: 0 }
    await setting.until('all are read', async () => (await port.range(of)).end === 10_001)
    expect(await valuesIn(setting, port, of)).toEqual(numbers)
  })

  test('a record without a key is refused by a compacted topic, and the producer can only be closed', async () => {
    const setting = await opened()
    const { port } = await setting.process()
    const topic = await setting.topic(port, 1, { 'cleanup.policy': 'compact' })
    const producer = await port.atomic(setting.fresh('id'), timeoutMs)
    await expect(producer.commit(chunks([{ topic, value: 'x' }]))).rejects.toMatchObject({ code: 87 })
    await expect(producer.commit(chunks([{ topic, key: 'k', value: 'x' }]))).rejects.toThrow()
    await producer.close()
  })
}

function fenceConformance(opened: Opened): void {
  test('an earlier producer of an id can commit nothing', async () => {
    const setting = await opened()
    const [one, two] = [await setting.process(), await setting.process()]
    const topic = await setting.topic(one.port)
    const id = setting.fresh('id')
    const earlier = await one.port.atomic(id, timeoutMs)
    await earlier.commit(chunks([{ topic, value: 'first' }]))
    const newest = await two.port.atomic(id, timeoutMs)
    await expect(earlier.commit(chunks([{ topic, value: 'fenced' }]))).rejects.toThrow(KafkaFailure)
    await newest.commit(chunks([{ topic, value: 'second' }]))
    const of = { topic, partition: 0 }
    const read = async (): Promise<string> => (await valuesIn(setting, two.port, of)).join()
    await setting.until('the second is read', async () => (await read()) === 'first,second')
  })

  test('an earlier producer in the middle of its transaction: its records are not read', async () => {
    const setting = await opened()
    const [one, two] = [await setting.process(), await setting.process()]
    const topic = await setting.topic(one.port)
    const of = { topic, partition: 0 }
    const id = setting.fresh('id')
    const earlier = await one.port.atomic(id, timeoutMs)
    const reading = await Reading.of(two.port, of)
    const committing = earlier.commit(
      (async function* () {
        yield* chunks([{ topic, value: 'lost' }], [{ topic, value: 'lost as well' }], [])
        const newest = await two.port.atomic(id, timeoutMs)
        await newest.commit(chunks([{ topic, value: 'kept' }]))
        yield* chunks([{ topic, value: 'too late' }])
      })(),
    )
    await expect(committing).rejects.toThrow(KafkaFailure)
    await setting.until('the newest is read', () => reading.values.length > 0)
    await setting.until('all is read', () => reading.caughtUpAt.at(-1) === reading.next)
    expect(reading.values).toEqual(['kept'])
  })
}

function abortConformance(opened: Opened): void {
  test('a producer of a process that died: its transaction is aborted by the next one', async () => {
    const setting = await opened()
    const [one, two] = [await setting.process(), await setting.process()]
    const topic = await setting.topic(one.port)
    const id = setting.fresh('id')
    const earlier = await one.port.atomic(id, timeoutMs)
    const committing = earlier.commit(
      (async function* () {
        yield* chunks([{ topic, value: 'lost' }], [{ topic, value: 'lost as well' }])
        one.kill()
        yield* chunks([{ topic, value: 'never sent' }])
      })(),
    )
    await expect(committing).rejects.toThrow()
    await two.port.atomic(id, timeoutMs)
    expect(await valuesIn(setting, two.port, { topic, partition: 0 })).toEqual([])
  })

  test('a transaction that is open for too long is aborted, and its producer is fenced', async () => {
    const setting = await opened()
    const { port } = await setting.process()
    const topic = await setting.topic(port)
    const of = { topic, partition: 0 }
    const slow = await port.atomic(setting.fresh('id'), 1_000)
    const other = await port.atomic(setting.fresh('id'), timeoutMs)
    const committing = slow.commit(
      (async function* () {
        // A batch is sent when the next one of its partition is there.
        yield* chunks([{ topic, value: 'lost' }], [{ topic, value: 'lost as well' }])
        await other.commit(chunks([{ topic, value: 'kept' }]))
        await setting.until('the transaction is aborted', async () => (await port.range(of)).end >= 3)
        yield* chunks([{ topic, value: 'too late' }])
      })(),
    )
    await expect(committing).rejects.toThrow(KafkaFailure)
    expect(await valuesIn(setting, port, of)).toEqual(['kept'])
  })
}

function feedConformance(opened: Opened): void {
  test('a feed: it is caught up once for each end, and continues with what is committed later', async () => {
    const setting = await opened()
    const { port } = await setting.process()
    const topic = await setting.topic(port)
    const reading = await Reading.of(port, { topic, partition: 0 })
    await setting.until('it has caught up with nothing', () => reading.caughtUpAt.length === 1)
    const producer = await port.atomic(setting.fresh('id'), timeoutMs)
    await producer.commit(
      chunks([
        { topic, value: 'a' },
        { topic, value: 'b' },
      ]),
    )
    await setting.until('it has caught up', () => reading.caughtUpAt.at(-1) === 3)
    await producer.commit(chunks([{ topic, value: 'c' }]))
    await setting.until('it has caught up again', () => reading.caughtUpAt.at(-1) === 5)
    expect(reading.values).toEqual(['a', 'b', 'c'])
    expect(reading.offsets).toEqual([0, 1, 3])
    expect(new Set(reading.caughtUpAt).size).toBe(reading.caughtUpAt.length)
  })

  test('a feed: it begins at an offset, pauses, resumes and delivers nothing when it is closed', async () => {
    const setting = await opened()
    const { port } = await setting.process()
    const topic = await setting.topic(port)
    const of = { topic, partition: 0 }
    const producer = await port.atomic(setting.fresh('id'), timeoutMs)
    const send = (value: string): Promise<void> => producer.commit(chunks([{ topic, value }]))
    await send('a')
    await send('b')
    await setting.until('both are read', async () => (await port.range(of)).end === 4)
    const [reading, control] = [await Reading.of(port, of, 2), await Reading.of(port, of, 4)]
    await setting.until('the second is read', () => reading.values.length === 1)
    reading.feed!.pause()
    await send('c')
    await setting.until('another has read it', () => control.values.length === 1)
    reading.feed!.resume()
    await setting.until('it is read', () => reading.values.length === 2)
    reading.feed!.close()
    await send('d')
    await setting.until('another has read it', () => control.values.length === 2)
    expect(reading.values).toEqual(['b', 'c'])
  })

  test('a feed from an offset that was deleted fails', async () => {
    const setting = await opened()
    const { port } = await setting.process()
    const topic = await setting.topic(port)
    const of = { topic, partition: 0 }
    const producer = await port.atomic(setting.fresh('id'), timeoutMs)
    await producer.commit(chunks([{ topic, value: 'a' }]))
    await setting.until('the commit is read', async () => (await port.range(of)).end === 2)
    await port.deleteRecords(of, 1)
    const reading = await Reading.of(port, of)
    await setting.until('it has failed', () => reading.error !== undefined)
    expect(reading.error).toMatchObject({ code: 1 })
  })
}
