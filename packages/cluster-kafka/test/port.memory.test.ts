import { ManualClock, seededRandom, systemScheduler } from '@millrace/world'
import { describe, expect, onTestFinished, test } from 'vitest'
import { MemoryKafka, type MemoryKafkaOptions, type WatchRequest } from '../src/testing.ts'
import { portConformance } from './port-conformance.ts'
import { chunks, PortSetting, type PortCluster } from './port-parts.ts'

/** Moves a clock from timer to timer, while a test waits. */
function running(clock: ManualClock): ManualClock {
  let isRunning = true
  onTestFinished(() => void (isRunning = false))
  const run = async (): Promise<void> => {
    while (isRunning) {
      await systemScheduler.turn()
      await clock.advance(clock.nextDelay() ?? 0)
    }
  }
  void run()
  return clock
}

function cluster(more: Partial<MemoryKafkaOptions> = {}): Promise<PortCluster> {
  const clock = running(new ManualClock(1_000_000))
  const kafka = new MemoryKafka({ clock, random: seededRandom(1), ...more })
  let processes = 0
  const connect: PortCluster['connect'] = (world) =>
    Promise.resolve(kafka.port(world, `process-${processes++}`))
  return Promise.resolve({ clock, connect })
}

describe('a cluster in memory', () => {
  portConformance(() => cluster())
})

describe('a cluster in memory that takes its time', () => {
  portConformance(() => cluster({ latencyMs: 20, markMs: 100 }))
})

describe('a cluster in memory that delivers few records at a time, from each partition at its own pace', () => {
  portConformance(() => cluster({ deliveredMax: 2, deliveryMs: ({ partition }) => 5 * partition }))
})

describe('what only a cluster in memory can do', () => {
  async function setting(more: Partial<MemoryKafkaOptions> = {}) {
    const clock = running(new ManualClock(1_000_000))
    const kafka = new MemoryKafka({ clock, random: seededRandom(1), latencyMs: 20, ...more })
    let processes = 0
    const of = new PortSetting({
      clock,
      connect: (world) => Promise.resolve(kafka.port(world, `process-${processes++}`)),
    })
    const { port } = await of.process()
    const topic = await of.topic(port)
    const producer = await port.atomic('id', 60_000)
    const count = () => kafka.records({ topic, partition: 0 }).length
    return { kafka, of, port, topic, producer, count }
  }

  test('brokers that are stopped answer no process, and calls that wait for them resolve when they are started', async () => {
    const { kafka, of, port, topic, producer } = await setting()
    kafka.stopBrokers()
    let isAnswered = false
    const asked = port.topics().then(() => (isAnswered = true))
    await expect(producer.commit(chunks([{ topic, value: 'x' }]))).rejects.toThrow('cut off')
    expect(isAnswered).toBe(false)
    kafka.startBrokers()
    await asked
    await of.close()
  })

  test('what a process has sent before it was killed arrives, and it gets no answer', async () => {
    const { kafka, of, topic, producer, count } = await setting()
    let isOver = false
    const over = (): void => void (isOver = true)
    producer.commit(chunks([{ topic, value: 'x' }])).then(over, over)
    await of.until('the records are there', () => kafka.openTransactions.length === 1)
    kafka.kill('process-0')
    const { port } = await of.process()
    await port.atomic('id', 60_000)
    expect([isOver, count()]).toEqual([false, 0])
  })

  test('what is written while the marks of a transaction are awaited belongs to no later producer', async () => {
    const { kafka, of, topic, producer } = await setting({ markMs: 1_000 })
    await producer.commit(chunks([{ topic, value: 'a' }]))
    producer.commit(chunks([{ topic, value: 'b' }])).catch(() => {})
    const { port } = await of.process()
    const later = await port.atomic('id', 60_000)
    await later.commit(chunks([{ topic, value: 'c' }]))
    const seen = () =>
      kafka.records({ topic, partition: 0 }).map(({ value }) => new TextDecoder().decode(value))
    await of.until('the marks are there', () => seen().includes('c'))
    expect(seen()).toEqual(['a', 'c'])
    await of.close()
  })

  test('a request is seen when it leaves and when its answer does, and may be held up in between', async () => {
    const seen: string[] = []
    const onRequest: WatchRequest = ({ process, request, moment }) => {
      if (request === 'write' || request === 'commit') seen.push(`${process} ${request} ${moment}`)
      return request === 'commit' && moment === 'sent' ? 90_000 : 0
    }
    const { of, topic, producer, count } = await setting({ onRequest })
    // The broker aborts the transaction before the commit arrives.
    await expect(producer.commit(chunks([{ topic, value: 'x' }]))).rejects.toThrow()
    expect(seen).toEqual(['process-0 write sent', 'process-0 write done', 'process-0 commit sent'])
    expect(count()).toBe(0)
    await of.close()
  })

  test('a process that is cut off when the answer to its commit leaves does not hear that its records are there', async () => {
    const onRequest: WatchRequest = ({ process, request, moment }) => {
      if (request === 'commit' && moment === 'done') around.kafka.disconnect(process)
      return 0
    }
    const around = await setting({ onRequest })
    const { topic, producer, count } = around
    await expect(producer.commit(chunks([{ topic, value: 'x' }]))).rejects.toThrow('cut off')
    expect(count()).toBe(1)
  })
})
