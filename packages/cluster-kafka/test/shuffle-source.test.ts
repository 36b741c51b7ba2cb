import { Packing } from '@millrace/connector-kafka/port'
import { ByteWriter } from '@millrace/core'
import { MIN_TIME, type Batch, type ConnectorContext } from '@millrace/core/connector'
import { ManualClock, seededRandom, systemScheduler } from '@millrace/world'
import { expect, test } from 'vitest'
import { writeProgress, writeRecords } from '../src/shuffle/shuffle-message.ts'
import { ShuffleSource } from '../src/shuffle/shuffle-source.ts'
import { MemoryKafka } from '../src/testing.ts'

const topic = 'shuffle'

function batch(times: readonly number[]): Batch {
  const { length } = times
  return {
    length,
    values: times.map((time) => `at ${time}`),
    times: Float64Array.from(times),
    watermarks: new Float64Array(length).fill(MIN_TIME),
    origin: undefined,
    originIndex: undefined,
  }
}

function message(write: (out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter()
  write(out)
  return out.written().slice()
}

/** A partition of two senders with these messages, and what a source needs to read it. */
async function world(messages: readonly Uint8Array[]) {
  const clock = new ManualClock(0)
  const kafka = new MemoryKafka({ clock })
  const { signal } = new AbortController()
  const outside = { clock, signal, warn: () => {}, down: () => {}, trying: () => {}, up: () => {} }
  const port = kafka.port(outside)
  await port.createTopics([{ name: topic, partitions: 2, settings: {} }])
  const packing = new Packing(
    { compressor: undefined, maxRecordBytes: 1e6 },
    { clock, random: seededRandom(1) },
  )
  for (const value of messages) {
    packing.add({ topic, partition: 1, key: null, value, headers: [], timestamp: 1 }, 2)
  }
  const producer = await port.atomic('test', 1_000)
  await producer.commit(
    (async function* () {
      yield packing.takeAll()
    })(),
  )
  const context = {
    ...outside,
    name: 'in',
    start: { kind: 'first', checkpoint: undefined },
  } as unknown as ConnectorContext
  const sourceOf = (isRunContinued: boolean): ShuffleSource =>
    new ShuffleSource({ topic, lease: 1, leases: 2, port, isTimed: true, isRunContinued })
  const source = sourceOf(false)
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) {
      await systemScheduler.turn()
      await clock.advance(0)
    }
  }
  return { source, sourceOf, context, settle }
}

test('a reader continues in the middle of a message where a checkpoint was', async () => {
  const { source, context, settle } = await world([
    message((out) => writeProgress(0, 'idle', MIN_TIME, out)),
    message((out) => writeRecords(1, batch([1, 2, 3, 4, 5]), 'range', out)),
    message((out) => writeProgress(1, 'ended', 9, out)),
  ])
  const first = await source.open('1', undefined, context)
  await settle()
  expect(first.poll(2)).toMatchObject({ kind: 'records', values: ['at 1', 'at 2'] })
  const position = first.position()
  await first.close()
  const second = await source.open('1', JSON.parse(JSON.stringify(position)) as typeof position, context)
  await settle()
  expect(second.poll(2)).toMatchObject({ kind: 'records', values: ['at 3', 'at 4'] })
  expect(second.poll(2)).toMatchObject({ kind: 'records', values: ['at 5'] })
  expect(second.poll(2)).toMatchObject({ kind: 'pending', progress: { isIdle: true } })
  await second.close()
})

test('nothing is handed out until each lease has spoken', async () => {
  const { source, context, settle } = await world([
    message((out) => writeRecords(1, batch([1, 2]), 'range', out)),
  ])
  const reader = await source.open('1', undefined, context)
  await settle()
  expect(reader.poll(2).kind).toBe('pending')
  await reader.close()
})

test('a shuffle that has ended in a run has still ended when that is continued, and begins anew with the next run', async () => {
  const ended = [
    message((out) => writeProgress(0, 'ended', 9, out)),
    message((out) => writeProgress(1, 'ended', 9, out)),
  ]
  const { source, context, settle, sourceOf } = await world(ended)
  const first = await source.open('1', undefined, context)
  await settle()
  expect(first.poll(2)).toEqual({ kind: 'end' })
  const position = first.position()
  const start = { kind: 'resumed', checkpoint: 1, isEndOfRun: true } as const
  const continued = await sourceOf(true).open('1', position, { ...context, start })
  await settle()
  expect(continued.poll(2)).toEqual({ kind: 'end' })
  const next = await sourceOf(false).open('1', position, { ...context, start })
  await settle()
  expect(next.poll(2).kind).toBe('pending')
})
