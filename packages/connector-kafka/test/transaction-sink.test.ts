import { MillraceError } from '@millrace/core'
import type { Sink } from '@millrace/core/connector'
import { SimFs } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { KafkaFailure } from '../src/cluster.ts'
import type { OutgoingRecord } from '../src/record.ts'
import { PlainSink } from '../src/plain-sink.ts'
import { MemoryCluster } from './memory-cluster.ts'
import { batchOf, contextOf, sinkOn, valuesIn, write } from './sink-parts.ts'

function cluster(partitions = 1): MemoryCluster {
  const made = new MemoryCluster()
  made.addTopic('out', partitions)
  return made
}

const lost = (): KafkaFailure => new KafkaFailure(-195, 'connection lost', false)

describe('a sink with transactions', () => {
  test('EN-216 commits what was prepared up to a checkpoint, and nothing after it', async () => {
    const kafka = cluster()
    const writer = await sinkOn(kafka).open(0, [], contextOf())
    await write(writer, ['a'])
    const first = await writer.prepare(1)
    await write(writer, ['b'])
    const second = await writer.prepare(2)
    await write(writer, ['c'])
    expect(valuesIn(kafka)).toEqual([])
    await writer.commit!(first!)
    expect(valuesIn(kafka)).toEqual(['a'])
    await writer.commit!(second!)
    expect(valuesIn(kafka)).toEqual(['a', 'b'])
  })

  test('EN-227 after an unknown outcome it opens a producer anew, and finds out whether the records are there', async () => {
    const kafka = cluster()
    const context = contextOf()
    const writer = await sinkOn(kafka).open(0, [], context)
    for (const [checkpoint, value] of [
      [1, 'a'],
      [2, 'b'],
    ] as const) {
      await write(writer, [value])
      const staged = await writer.prepare(checkpoint)
      // The first time the answer is lost after the commit, the second time the commit itself.
      kafka.afterCommit = () => {
        if (checkpoint === 1) kafka.failures.push(lost())
        kafka.afterCommit = undefined
        throw lost()
      }
      if (checkpoint === 2) kafka.failures.push(lost())
      const committed = writer.commit!(staged!)
      for (let turn = 0; turn < 20; turn++) await context.clock.advance(context.clock.nextDelay() ?? 0)
      await committed
    }
    expect(valuesIn(kafka)).toEqual(['a', 'b'])
    expect(context.warnings.filter((text) => text.includes('down: Kafka')).length).toBe(2)
  })

  test('EN-229 a process that was replaced writes nothing, also if its producer is opened anew', async () => {
    const kafka = cluster()
    const fs = new SimFs()
    let isOwner = true
    const confirm = async (): Promise<void> => {
      if (!isOwner) throw new MillraceError('DIRECTORY_LOCKED', 'replaced')
    }
    const zombie = await sinkOn(kafka).open(
      0,
      [],
      contextOf({ fs, owner: { job: 'job', epoch: 1, confirm } }),
    )
    await write(zombie, ['a'])
    const staged = await zombie.prepare(1)
    // It is frozen between the confirmation of the engine and its commit.
    const owner = { job: 'job', epoch: 2, confirm: () => Promise.resolve() }
    const next = await sinkOn(kafka).open(0, [staged!], contextOf({ fs, owner }))
    await write(next, ['b'])
    await next.commit!((await next.prepare(2))!)
    isOwner = false
    await expect(zombie.commit!(staged!)).rejects.toMatchObject({ code: 'DIRECTORY_LOCKED' })
    expect(valuesIn(kafka)).toEqual(['a', 'b'])
  })

  test('EN-229 a process that is frozen after it has confirmed that it is the owner finds its records committed', async () => {
    const kafka = cluster()
    const fs = new SimFs()
    const zombie = await sinkOn(kafka).open(0, [], contextOf({ fs }))
    await write(zombie, ['a'])
    const staged = await zombie.prepare(1)
    const owner = { job: 'job', epoch: 2, confirm: () => Promise.resolve() }
    const context = contextOf({ fs, owner })
    const next = await sinkOn(kafka).open(0, [staged!], context)
    const woken = contextOf({ fs })
    const awake = await sinkOn(kafka).open(0, [staged!], woken)
    await awake.close()
    // The owner was fenced by it, and opens another producer.
    await write(next, ['b'])
    const committed = next.commit!((await next.prepare(2))!)
    for (let turn = 0; turn < 20; turn++) await context.clock.advance(context.clock.nextDelay() ?? 0)
    await committed
    expect(valuesIn(kafka)).toEqual(['a', 'b'])
  })

  test('EN-217 what was prepared survives a power loss, and is committed by the next start', async () => {
    const kafka = cluster()
    const fs = new SimFs()
    const writer = await sinkOn(kafka).open(0, [], contextOf({ fs }))
    await write(writer, ['a', 'b'])
    const staged = await writer.prepare(1)
    await sinkOn(kafka).open(0, [staged!], contextOf({ fs: fs.afterPowerLoss() }))
    expect(valuesIn(kafka)).toEqual(['a', 'b'])
  })

  test('EN-222 each job, sink and subtask has an id of its own', async () => {
    const kafka = cluster()
    const open = async (subtask: number, job: string, name: string): Promise<void> => {
      const owner = { job, epoch: 1, confirm: () => Promise.resolve() }
      await (await sinkOn(kafka).open(subtask, [], contextOf({ name, owner }))).close()
    }
    await open(0, 'j', 'a')
    await open(1, 'j', 'a')
    await open(0, 'j', 'b')
    await open(0, 'k', 'a')
    expect([...kafka.marks.keys()]).toEqual([
      'millrace-j-a-0',
      'millrace-j-a-1',
      'millrace-j-b-0',
      'millrace-k-a-0',
    ])
  })

  test('EN-220 a transaction that takes longer than half of its time limit is warned of', async () => {
    const kafka = cluster()
    const context = contextOf()
    const writer = await sinkOn(kafka, { transactionTimeoutMs: 10_000 }).open(0, [], context)
    await write(writer, ['a'])
    const staged = await writer.prepare(1)
    kafka.afterCommit = () => context.clock.advance(6_000)
    await writer.commit!(staged!)
    expect(context.warnings.join()).toMatch(/a transaction took 6 s, and the broker ends it after 10 s/)
  })

  test('fails when Kafka has forgotten whether a checkpoint was committed, and does what ifForgotten says', async () => {
    for (const [ifForgotten, expected] of [
      ['write', ['a']],
      ['skip', []],
    ] as const) {
      const kafka = cluster()
      const fs = new SimFs()
      const writer = await sinkOn(kafka).open(0, [], contextOf({ fs }))
      await write(writer, ['a'])
      const staged = await writer.prepare(1)
      kafka.marks.clear()
      const again = (): ReturnType<typeof contextOf> => contextOf({ fs: fs.afterKill() })
      await expect(sinkOn(kafka).open(0, [staged!], again())).rejects.toMatchObject({
        code: 'SINK_FAILED',
        isFinal: true,
        message: expect.stringMatching(/does not know whether .* checkpoint 1 .*set ifForgotten to 'skip'/s),
      })
      await sinkOn(kafka, { ifForgotten }).open(0, [staged!], again())
      expect(valuesIn(kafka)).toEqual(expected)
    }
  })

  test('a job that was stopped for so long that Kafka has forgotten it continues', async () => {
    const kafka = cluster()
    const fs = new SimFs()
    const writer = await sinkOn(kafka).open(0, [], contextOf({ fs }))
    await write(writer, ['a'])
    const staged = await writer.prepare(1)
    await writer.commit!(staged!)
    await writer.close()
    kafka.marks.clear()
    await sinkOn(kafka).open(0, [staged!], contextOf({ fs: fs.afterKill() }))
    expect(valuesIn(kafka)).toEqual(['a'])
  })

  test('a running job without records renews its mark every hour', async () => {
    const kafka = cluster()
    const context = contextOf()
    const writer = await sinkOn(kafka).open(0, [], context)
    expect(await writer.prepare(1)).toBeUndefined()
    await context.clock.advance(3_600_001)
    const staged = await writer.prepare(2)
    await writer.commit!(staged!)
    expect([...kafka.marks.values()]).toEqual([2])
    expect(await writer.prepare(3)).toBeUndefined()
  })

  test('a staged file that is missing or damaged fails the job, and nothing of it is written', async () => {
    const kafka = cluster()
    const fs = new SimFs()
    const writer = await sinkOn(kafka).open(0, [], contextOf({ fs }))
    await write(writer, ['a', 'b'])
    const staged = await writer.prepare(1)
    const damaged = fs.afterKill()
    const path = `connectors/out/${staged!.file}`
    const file = await damaged.open(path, 'update')
    await file.writeAt(new Uint8Array([255]), 29)
    await file.close()
    await expect(sinkOn(kafka).open(0, [staged!], contextOf({ fs: damaged }))).rejects.toMatchObject({
      code: 'CHECKPOINT_CORRUPT',
    })
    const missing = fs.afterKill()
    await missing.remove(path)
    await expect(sinkOn(kafka).open(0, [staged!], contextOf({ fs: missing }))).rejects.toMatchObject({
      code: 'SINK_FAILED',
      message: expect.stringContaining('Restore it, or start with another data directory'),
    })
    expect(valuesIn(kafka)).toEqual([])
  })

  test('a job that was restored from an older copy says so, and writes again what came after it', async () => {
    const kafka = cluster()
    const fs = new SimFs()
    const writer = await sinkOn(kafka).open(0, [], contextOf({ fs }))
    for (const checkpoint of [1, 2, 3]) {
      await write(writer, [String(checkpoint)])
      await writer.commit!((await writer.prepare(checkpoint))!)
    }
    const context = contextOf()
    const older = await sinkOn(kafka).open(0, [], context)
    await write(older, ['2 again'])
    await older.commit!((await older.prepare(2))!)
    expect(valuesIn(kafka)).toEqual(['1', '2', '3', '2 again'])
    expect(context.warnings.join()).toMatch(/records up to checkpoint 3, and this job continues with 2/)
  })

  test('records keep their key, headers, partition and time; those that do not fit are rejected', async () => {
    const kafka = cluster(2)
    kafka.addTopic('other', 1)
    const writer = await sinkOn(kafka).open(0, [], contextOf())
    const reasons = await write(writer, [
      { key: 'k', value: null, headers: { a: 'b' }, partition: 1, timestamp: 5 },
      { value: 'x'.repeat(101) },
      { value: 'a', topic: 'nowhere' },
      { value: 'a', partition: 2 },
      { value: 7 } as never,
      { value: '', key: '', topic: 'other' },
    ])
    await writer.commit!((await writer.prepare(1))!)
    expect(reasons.map((reason) => reason.slice(0, 60))).toEqual([
      '1: MillraceError: the record has 101 bytes, and maxRecordByt',
      '2: MillraceError: there is no topic nowhere on memory:9092',
      '3: MillraceError: topic out has no partition 2 on memory:909',
      '4: MillraceError: the value is 7; give text or bytes',
    ])
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
    const whole = { offset: 0, timestamp: 0, headers: [] }
    expect(kafka.records('out')).toEqual([
      {
        ...whole,
        topic: 'out',
        partition: 1,
        key: bytes('k'),
        value: null,
        headers: [['a', bytes('b')]],
        timestamp: 5,
      },
    ])
    expect(kafka.records('other')).toEqual([
      { ...whole, topic: 'other', partition: 0, key: bytes(''), value: bytes(''), timestamp: 1_000_000 },
    ])
  })

  test('a record has the headers that it carries, unless it names its own', async () => {
    const kafka = cluster()
    const writer = await sinkOn(kafka).open(0, [], contextOf())
    const carried = { t: 'carried', b: Uint8Array.of(255) }
    const own = { value: 'own', headers: { a: '1' } }
    await write(
      writer,
      ['a', 'b', own, { value: 'none', headers: {} }],
      [undefined, carried, carried, carried],
    )
    await writer.commit!((await writer.prepare(1))!)
    const text = new TextEncoder()
    expect(kafka.records('out').map(({ headers }) => headers)).toEqual([
      [],
      [
        ['t', text.encode('carried')],
        ['b', Uint8Array.of(255)],
      ],
      [['a', text.encode('1')]],
      [],
    ])
  })

  test('a topic that does not exist is found at the start', async () => {
    await expect(sinkOn(new MemoryCluster()).check([], contextOf())).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('there is no topic out'),
    })
  })

  test('a record that brokers refuse for good fails the job instead of being repeated', async () => {
    const kafka = cluster()
    const writer = await sinkOn(kafka).open(0, [], contextOf())
    await write(writer, ['a'])
    const staged = await writer.prepare(1)
    kafka.failures.push(new KafkaFailure(29, 'Topic authorization failed', true))
    await expect(writer.commit!(staged!)).rejects.toMatchObject({
      code: 'SINK_FAILED',
      message: expect.stringContaining('Topic authorization failed'),
    })
  })
})

const plainOn = (kafka: MemoryCluster): Sink<OutgoingRecord | string> => {
  const recordOf = (value: OutgoingRecord | string): OutgoingRecord =>
    typeof value === 'string' ? { value } : value
  return new PlainSink(kafka.connect, { topic: 'out', recordOf, maxRecordBytes: 100 }, undefined)
}

test.each([
  ['with', sinkOn],
  ['without', plainOn],
] as const)(
  'bytes written %s transactions are those of the records, without rejected ones',
  async (_, sink) => {
    const kafka = cluster()
    const writer = await sink(kafka).open(0, [], contextOf())
    expect(writer.bytesWritten).toBe(0)
    const rejected: number[] = []
    const given = [
      { key: 'key', value: 'four' },
      { value: 'x'.repeat(101) },
      { value: 'ü' },
      { value: 'a', topic: 'none' },
    ]
    await writer.write(batchOf<OutgoingRecord | string>(given), (index) => void rejected.push(index))
    expect(rejected).toEqual([1, 3])
    expect(writer.bytesWritten).toBe(3 + 4 + 2)
    await writer.write(batchOf<OutgoingRecord | string>(['more']), () => {})
    expect(writer.bytesWritten).toBe(9 + 4)
    await writer.close()
  },
)

describe('a sink without transactions', () => {
  test('EN-225 sends what was written before a barrier passes', async () => {
    const kafka = cluster()
    const recordOf = (value: string): { value: string } => ({ value })
    const sink = new PlainSink(kafka.connect, { topic: 'out', recordOf, maxRecordBytes: 100 }, undefined)
    const writer = await sink.open(0, [], contextOf())
    await writer.write(batchOf(['a', 'b'], [5, Number.NaN]), () => {})
    await writer.prepare(1)
    expect(valuesIn(kafka)).toEqual(['a', 'b'])
    expect(kafka.records('out').map(({ timestamp }) => timestamp)).toEqual([5, 1_000_000])
    kafka.failures.push(new KafkaFailure(44, 'Policy violation', true))
    await expect(writer.prepare(2)).rejects.toMatchObject({ code: 'SINK_FAILED' })
  })
})

test('a sink says that it reconnects by itself, so that retry and breaker of to are refused', () => {
  expect(sinkOn(new MemoryCluster()).reconnects).toBe(true)
})
