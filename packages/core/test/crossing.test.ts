import { seededRandom, systemScheduler, Wakeup } from '@millrace/world'
import { describe, expect, test } from 'vitest'
import type { Batch, Element } from '../src/record/element.ts'
import { Crossing } from '../src/exchange/crossing.ts'
import type { IncomingEdge, OutgoingEdge } from '../src/exchange/edge.ts'
import type { OriginDetail } from '../src/exchange/batch-bytes.ts'
import { simLinks } from '@millrace/testkit'

const bounds = { batches: 2, batchRecords: 4 }

/** Both ends of an edge between two workers, over a link that holds so many bytes. */
function open({
  bytes = 1_000,
  seed = 1,
  detail = 'range',
}: { bytes?: number; seed?: number; detail?: OriginDetail } = {}): {
  readonly out: OutgoingEdge
  readonly into: IncomingEdge
  readonly woken: Wakeup
} {
  const [one, other] = simLinks({ random: seededRandom(seed), scheduler: systemScheduler }, bytes)
  const out = new Crossing(one, detail).outgoing(7, bounds)
  const into = new Crossing(other, detail).incoming(7, bounds, 3)
  const woken = new Wakeup()
  out.attachProducer(woken)
  into.attachConsumer(new Wakeup())
  return { out, into, woken }
}

function batch(values: readonly unknown[], more: Partial<Batch> = {}): Batch {
  const { length } = values
  return {
    length,
    values,
    times: Float64Array.from({ length }, (_, i) => 10 * i),
    watermarks: new Float64Array(length).fill(5),
    origin: undefined,
    originIndex: undefined,
    ...more,
  }
}

/** The next element, once it has arrived. */
async function next(edge: IncomingEdge): Promise<Element> {
  while (edge.isEmpty) await systemScheduler.turn()
  return edge.take()!
}

async function nextBatch(edge: IncomingEdge): Promise<Batch> {
  const element = await next(edge)
  return element.kind === 'batch' ? element.batch : expect.fail(`a batch comes next, not ${element.kind}`)
}

describe('an edge between two workers', () => {
  test('delivers batches and marks in the order in which they were sent, whatever the link delays', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const { out, into } = open({ seed, bytes: 60 })
      out.mark({ kind: 'watermark', time: 4 })
      out.send(batch([1, 'two']))
      out.mark({ kind: 'idle' })
      out.mark({ kind: 'active' })
      out.send(batch([{ three: 3n }]))
      out.mark({ kind: 'barrier', checkpoint: 300 })
      out.mark({ kind: 'end' })
      expect(await next(into)).toEqual({ kind: 'watermark', time: 4 })
      expect(await nextBatch(into)).toEqual(batch([1, 'two']))
      expect(await next(into)).toEqual({ kind: 'idle' })
      expect(await next(into)).toEqual({ kind: 'active' })
      expect((await nextBatch(into)).values).toEqual([{ three: 3n }])
      expect(await next(into)).toEqual({ kind: 'barrier', checkpoint: 300 })
      expect(await next(into)).toEqual({ kind: 'end' })
      expect(into.input).toBe(3)
    }
  })

  test('takes no more than its credit, which returns when the consumer releases what it took', async () => {
    const { out, into, woken } = open()
    out.send(batch([1, 2, 3, 4]))
    expect(out.hasCredit).toBe(true)
    out.send(batch([5, 6, 7, 8]))
    expect(out.hasCredit).toBe(false)
    expect(out.hasOverdraft).toBe(true)
    await nextBatch(into)
    for (let turn = 0; turn < 50; turn++) await systemScheduler.turn()
    expect(out.hasCredit).toBe(false)
    into.release()
    await woken.wait()
    while (!out.hasCredit) await systemScheduler.turn()
    await nextBatch(into)
  })

  test('a limit of the consumer reaches the producer', async () => {
    const { out, into } = open()
    into.limit(2)
    while (out.batchRecords !== 1) await systemScheduler.turn()
    out.send(batch([1]))
    expect(out.hasCredit).toBe(true)
    out.send(batch([2]))
    expect(out.hasCredit).toBe(false)
  })

  test('a batch longer than the link is sent once there is room, and the producer waits for it', async () => {
    const { out, into, woken } = open({ bytes: 10 })
    const text = 'x'.repeat(5_000)
    out.send(batch([text]))
    out.send(batch([text]))
    expect(out.hasCredit).toBe(false)
    expect((await nextBatch(into)).values).toEqual([text])
    expect((await nextBatch(into)).values).toEqual([text])
    into.release()
    await woken.wait()
  })

  test('a dead letter has place and bytes; other errors name the first and last place', async () => {
    const origin = {
      source: 'payments',
      split: 's',
      splitLabel: 'a.ndjson',
      place: (index: number) => `line ${index}`,
      raw: (index: number) => Uint8Array.of(index),
      redrives: () => 2,
    }
    const originIndex = Int32Array.of(9, -1, 4)
    const full = open({ detail: 'full' })
    full.out.send(batch(['a', 'b', 'c'], { origin, originIndex }))
    const whole = await nextBatch(full.into)
    expect([...whole.originIndex!]).toEqual([0, -1, 2])
    const known = whole.origin!
    expect([known.source, known.splitLabel, known.place(2), known.raw(2), known.redrives!(0)]).toEqual([
      'payments',
      'a.ndjson',
      'line 4',
      Uint8Array.of(4),
      2,
    ])
    const brief = open()
    brief.out.send(batch(['a', 'b', 'c'], { origin, originIndex }))
    expect((await nextBatch(brief.into)).origin!.place(2)).toBe('between line 9 and line 4')
  })

  test('a record that is not plain data cannot cross, and the error says what to do', () => {
    const { out } = open()
    expect(() => out.send(batch([{ at: /x/ }]))).toThrow(
      /a record cannot cross to another thread: .*at \.at is .*threads: 1/,
    )
  })
})
