import { describe, expect, test } from 'vitest'
import type { KafkaFailure, RecordProducer, TransactionProducer } from '../src/cluster.ts'
import { Packing } from '../src/packing.ts'
import { readyRecord, type PackedBatch } from '../src/record.ts'
import { contextOf, type TestContext } from './sink-parts.ts'
import { connected, settle, type Setting } from './wire-parts.ts'

/** Batches with one record each, of one partition. */
function batches(values: readonly string[], partition = 0): readonly PackedBatch[] {
  const packing = new Packing({ compressor: undefined, maxRecordBytes: 1_000 }, contextOf())
  return values.flatMap((value) => {
    packing.add(readyRecord({ value, partition }, 'orders', { time: 1, headers: {} }), 2)
    return packing.takeAll()
  })
}

async function* chunksOf(
  ...chunks: readonly (readonly PackedBatch[])[]
): AsyncIterable<readonly PackedBatch[]> {
  await Promise.resolve()
  yield* chunks
}

/** Lets time pass until nothing is waited for. */
async function pass(context: TestContext, seconds: number): Promise<void> {
  await settle()
  for (let step = 0; step < seconds * 10; step++) await context.clock.advance(100).then(settle)
}

const twoPartitions = () =>
  connected((brokers) => {
    brokers.addPartition('orders', 0, 1)
    brokers.addPartition('orders', 1, 2)
  })

const open = ({ cluster }: Setting, id = 'id'): Promise<TransactionProducer> =>
  cluster.transactions(id, 'orders', 60_000)

/** What a promise rejects with, while time passes. */
async function failureOf(context: TestContext, action: Promise<unknown>, seconds = 1): Promise<KafkaFailure> {
  const caught = action.then(
    () => {
      throw new Error('it has succeeded')
    },
    (error: KafkaFailure) => error,
  )
  await pass(context, seconds)
  return caught
}

describe('a producer of transactions', () => {
  test('shows records of all partitions and the mark at once, with the commit', async () => {
    const setting = await twoPartitions()
    const { writing } = setting.brokers
    const producer = await open(setting)
    expect(producer.mark).toBeUndefined()
    await producer.commit(chunksOf(batches(['a', 'b']), batches(['c'], 1)), 7)
    expect([...writing.visible]).toEqual([
      ['orders-0', ['a', 'b']],
      ['orders-1', ['c']],
    ])
    expect([...writing.offsets]).toEqual([['g orders-0', 7]])
    await producer.commit(chunksOf(batches(['d'])), 8)
    expect(writing.visible.get('orders-0')).toEqual(['a', 'b', 'd'])
    expect(producer.mark).toBe(8)
    expect((await open(setting)).mark).toBe(8)
  })

  test('commits a mark without records', async () => {
    const setting = await twoPartitions()
    await (await open(setting)).commit(chunksOf(), 3)
    expect([...setting.brokers.writing.offsets]).toEqual([['g orders-0', 3]])
    expect(setting.brokers.writing.visible.size).toBe(0)
  })

  test('is fenced by the next one with its id, and what it has begun is not there', async () => {
    const setting = await twoPartitions()
    const zombie = await open(setting)
    async function* slow(): AsyncIterable<readonly PackedBatch[]> {
      yield batches(['a', 'b'])
      await open(setting)
      yield batches(['c'])
    }
    const failure = await failureOf(setting.context, zombie.commit(slow(), 1))
    expect(failure).toMatchObject({ code: 47, isFinal: false })
    expect(failure.message).toMatch(/a newer producer has the same id/)
    expect(setting.brokers.writing.visible.size).toBe(0)
  })

  test.each(['Produce', 'AddPartitionsToTxn', 'AddOffsetsToTxn', 'TxnOffsetCommit'])(
    'whose answer to %s is lost fails, and repeats nothing; the next one begins anew',
    async (name) => {
      const setting = await twoPartitions()
      const { brokers, context } = setting
      const producer = await open(setting)
      brokers.lost.add(name)
      const failure = await failureOf(context, producer.commit(chunksOf(batches(['a'])), 1))
      expect(failure).toMatchObject({
        isFinal: false,
        message: expect.stringContaining('ended the connection'),
      })
      expect(brokers.writing.asked.filter((asked) => asked.startsWith(name)).length).toBe(1)
      await expect(producer.commit(chunksOf(), 2)).rejects.toThrow('after the failure')
      const next = await open(setting)
      expect([next.mark, brokers.writing.visible.size]).toEqual([undefined, 0])
      await next.commit(chunksOf(batches(['a'])), 1)
      expect(brokers.writing.visible.get('orders-0')).toEqual(['a'])
    },
  )

  test('whose answer to the commit is lost fails; the mark of the next one says that the records are there', async () => {
    const setting = await twoPartitions()
    const producer = await open(setting)
    setting.brokers.lost.add('EndTxn')
    await failureOf(setting.context, producer.commit(chunksOf(batches(['a'])), 1))
    expect((await open(setting)).mark).toBe(1)
    expect(setting.brokers.writing.visible.get('orders-0')).toEqual(['a'])
  })

  test('waits while the transaction before is completed, and for the coordinator', async () => {
    const setting = await twoPartitions()
    const { writing } = setting.brokers
    writing.refusals['InitProducerId'] = [51, 14, 16]
    // The mark is not stable while a transaction may change it.
    writing.refusals['OffsetFetch'] = [88, 88]
    writing.refusals['AddPartitionsToTxn'] = [51, 51]
    const opening = open(setting)
    await pass(setting.context, 2)
    const committing = (await opening).commit(chunksOf(batches(['a'])), 1)
    await pass(setting.context, 2)
    await committing
    expect(writing.visible.get('orders-0')).toEqual(['a'])
    expect(writing.refusals).toEqual({ InitProducerId: [], OffsetFetch: [], AddPartitionsToTxn: [] })
    // Waiting is no outage.
    expect(setting.context.warnings).toEqual([])
  })

  test('fails when what it waits for does not pass', async () => {
    const setting = await twoPartitions()
    setting.brokers.writing.refusals['InitProducerId'] = Array.from({ length: 1_000 }, () => 51)
    const failure = await failureOf(setting.context, open(setting), 3)
    expect(failure).toMatchObject({ code: 51, isFinal: false })
  })

  test('notices a connection that swallows everything', async () => {
    const setting = await twoPartitions()
    const producer = await open(setting)
    setting.brokers.isSilent = true
    const failure = await failureOf(setting.context, producer.commit(chunksOf(batches(['a'])), 1), 2)
    expect(failure.message).toContain('no answer to AddPartitionsToTxn for 1 s')
  })

  test('fails when a partition has another leader, and the next one finds it', async () => {
    let log: { leader: number } | undefined
    const setting = await connected((brokers) => (log = brokers.addPartition('orders', 0)))
    await (await open(setting)).commit(chunksOf(batches(['a'])), 1)
    log!.leader = 3
    const failure = await failureOf(
      setting.context,
      (await open(setting)).commit(chunksOf(batches(['b'])), 2),
    )
    expect(failure.message).toBe('orders-0: the broker no longer leads the partition')
    await (await open(setting)).commit(chunksOf(batches(['b'])), 2)
    expect(setting.brokers.writing.visible.get('orders-0')).toEqual(['a', 'b'])
  })

  test.each([
    [10, /larger than the broker or the topic allows/],
    [29, /this user may not use the topic/],
    [87, /refuses a record.*: the broker says why/],
  ])('whose records are refused with %i fails for good, with the reason', async (code, message) => {
    const setting = await twoPartitions()
    setting.brokers.writing.refusals['Produce orders-0'] = [code]
    const producer = await open(setting)
    const failure = await failureOf(setting.context, producer.commit(chunksOf(batches(['a'])), 1))
    expect(failure).toMatchObject({ code, isFinal: true })
    expect(failure.message).toMatch(message)
  })
})

describe('a producer without transactions', () => {
  async function producing(setting: Setting): Promise<RecordProducer & { idle: number }> {
    const counted = { idle: 0 }
    const producer = await setting.cluster.producer(() => counted.idle++)
    return Object.defineProperty(producer as RecordProducer & { idle: number }, 'idle', {
      get: () => counted.idle,
    })
  }

  test('sends batches of each partition in order, and says when all are stored', async () => {
    const setting = await twoPartitions()
    const producer = await producing(setting)
    await producer.send([...batches(['a', 'b', 'c']), ...batches(['d'], 1)])
    expect(producer.isIdle).toBe(false)
    await producer.flush()
    expect([producer.isIdle, producer.idle]).toEqual([true, 1])
    expect([...setting.brokers.writing.visible]).toEqual([
      ['orders-0', ['a', 'b', 'c']],
      ['orders-1', ['d']],
    ])
  })

  test('sends a batch again whose answer was lost, and the broker has it once', async () => {
    const setting = await twoPartitions()
    const producer = await producing(setting)
    setting.brokers.lost.add('Produce')
    await producer.send(batches(['a', 'b']))
    await pass(setting.context, 1)
    expect(producer.isIdle).toBe(true)
    expect(setting.brokers.writing.visible.get('orders-0')).toEqual(['a', 'b'])
    expect(setting.context.warnings.map((text) => text.slice(0, 10))).toEqual(['down: Kafk', 'up'])
  })

  test('waits for brokers that are gone, says so once, and sends what waits when they are back', async () => {
    const setting = await twoPartitions()
    const { brokers, context } = setting
    const producer = await producing(setting)
    for (const node of [1, 2, 3]) brokers.down.add(node)
    brokers.cut()
    await producer.send(batches(['a', 'b']))
    await pass(context, 30)
    expect(context.warnings.length).toBe(1)
    brokers.down.clear()
    await pass(context, 10)
    await producer.flush()
    expect(brokers.writing.visible.get('orders-0')).toEqual(['a', 'b'])
    expect(context.warnings.at(-1)).toBe('up')
  })

  test('goes to the new leader of a partition, and holds up the others for a moment only', async () => {
    let log: { leader: number } | undefined
    const setting = await connected((brokers) => {
      log = brokers.addPartition('orders', 0, 1)
      brokers.addPartition('orders', 1, 2)
    })
    const producer = await producing(setting)
    await producer.send(batches(['a']))
    await producer.flush()
    log!.leader = 3
    await producer.send([...batches(['b']), ...batches(['c', 'd'], 1)])
    await pass(setting.context, 1)
    await producer.flush()
    expect([...setting.brokers.writing.visible]).toEqual([
      ['orders-0', ['a', 'b']],
      ['orders-1', ['c', 'd']],
    ])
  })

  test('that the broker has forgotten begins anew, and loses nothing', async () => {
    const setting = await twoPartitions()
    const { writing } = setting.brokers
    const producer = await producing(setting)
    await producer.send(batches(['a']))
    await producer.flush()
    writing.forgetProducers()
    await producer.send(batches(['b', 'c']))
    await producer.flush()
    writing.refusals['Produce orders-0'] = [45]
    await producer.send(batches(['d']))
    await producer.flush()
    expect(writing.visible.get('orders-0')).toEqual(['a', 'b', 'c', 'd'])
  })

  test('whose first records are refused as those of an unknown producer waits before it begins anew', async () => {
    const setting = await twoPartitions()
    const { writing } = setting.brokers
    writing.refusals['Produce orders-0'] = [45, 45, 45]
    const producer = await producing(setting)
    await producer.send(batches(['a']))
    await settle()
    expect(writing.asked.filter((name) => name === 'InitProducerId').length).toBe(1)
    await pass(setting.context, 2)
    await producer.flush()
    expect(writing.visible.get('orders-0')).toEqual(['a'])
  })

  test('makes those wait who send more than memory should hold', async () => {
    const setting = await twoPartitions()
    const producer = await producing(setting)
    setting.brokers.isSilent = true
    const large = { topic: 'orders', partition: 0, count: 1, bytes: new Uint8Array(20 * 2 ** 20) }
    await producer.send([large])
    let hasRoom = false
    const sent = producer.send([{ ...large, bytes: large.bytes.slice() }]).then(
      () => (hasRoom = true),
      () => {},
    )
    await settle()
    expect(hasRoom).toBe(false)
    await setting.cluster.close()
    setting.context.stop.abort(new Error('the test ends'))
    await pass(setting.context, 2)
    await sent
  })

  test('whose records are refused fails what is sent after them as well', async () => {
    const setting = await twoPartitions()
    setting.brokers.writing.refusals['Produce orders-0'] = [44]
    const producer = await producing(setting)
    await producer.send(batches(['a']))
    await expect(producer.flush()).rejects.toMatchObject({ code: 44, isFinal: true })
    await expect(producer.send(batches(['b']))).rejects.toMatchObject({ code: 44 })
  })
})
