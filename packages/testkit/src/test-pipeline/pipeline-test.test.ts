import { count, deadLetter, output, pipeline, skip, state, sum, tumbling } from '@millrace/flow'
import { memory } from '@millrace/connector-memory'
import { describe, expect, test } from 'vitest'
import { testPipeline } from './pipeline-test.ts'

interface Payment {
  readonly card: string
  readonly amount: number
  readonly at: number
}

const minute = 60_000
const day = 24 * 60 * minute

const fraud = pipeline('fraud', (p) => {
  const limit = p.parameter('limit', 100)
  const perCard = p
    .from('payments', memory.read<Payment>([]))
    .withTimestamps({ timestamp: (payment) => payment.at, maxOutOfOrderness: '5s', idleAfter: '30s' })
    .keyBy((payment) => payment.card)
    .window(tumbling('1d'))
    .aggregate('per-card', { n: count(), total: sum((payment) => payment.amount) })
  perCard.filter(({ total }) => total > limit).to('alerts', memory.write())
  perCard.late.to('late', memory.write())
})

const payment = (card: string, amount: number, at: number): Payment => ({ card, amount, at })

describe('testPipeline', () => {
  test('a window of 24 hours fires when a record passes its end by the out-of-orderness', async () => {
    const run = await testPipeline(fraud, { parameters: { limit: 5 } })
    await run.send('payments', payment('a', 4, 10_000), payment('a', 3, 6_000), payment('b', 1, day - 1))
    expect(run.output('alerts')).toEqual([])
    expect(run.watermark('payments')).toBe(day - 1 - 5_000)
    await run.send('payments', payment('c', 9, day + 5_000))
    expect(run.records('alerts')).toEqual([
      { value: { key: 'a', window: { start: 0, end: day }, n: 2, total: 7 }, time: day - 1 },
    ])
  })

  test('a late record is emitted to the late output and counted', async () => {
    const run = await testPipeline(fraud)
    await run.send('payments', payment('a', 4, 3 * day), payment('a', 3, 0))
    expect(run.output('late')).toEqual([payment('a', 3, 0)])
    expect(run.count('per-card', 'late')).toBe(1)
  })

  test('the end of the input fires open windows and leaves no state', async () => {
    const run = await testPipeline(fraud, { parameters: { limit: 0 } })
    await run.send('payments', payment('a', 4, 0))
    expect(run.stateSize('per-card')).toBeGreaterThan(0)
    await run.end()
    expect(run.output('alerts')).toHaveLength(1)
    expect(run.stateSize('per-card')).toBe(0)
    await expect(run.send('payments', payment('a', 4, 0))).rejects.toThrow("'payments' has ended")
  })

  test('a split without records holds back event time until it is idle', async () => {
    const run = await testPipeline(fraud, { splits: { payments: ['north', 'south'] } })
    await run.send('payments/north', payment('a', 400, 0), payment('a', 1, 2 * day))
    expect(run.output('alerts')).toEqual([])
    await run.advance('29s')
    expect(run.output('alerts')).toEqual([])
    await run.advance('1s')
    expect(run.output('alerts')).toHaveLength(1)
  })

  test('state, timers and positions survive a restart, at any parallelism', async () => {
    const quiet = pipeline('quiet', (p) => {
      p.from('payments', memory.read<Payment>([]))
        .withTimestamps({ timestamp: (each) => each.at })
        .keyBy((each) => each.card)
        .process('quiet', {
          output: output<string>(),
          state: { last: state.value<Payment>(), seen: state.map<number, number>() },
          onRecord({ value, time }, context) {
            context.state.last.set(value)
            context.state.seen.set(value.amount, (context.state.seen.get(value.amount) ?? 0) + 1)
            context.timers.setProcessing(context.now() + minute)
            context.timers.setEvent(time + day)
          },
          onTimer: ({ key, domain }, { emit }) => emit(`${key}: ${domain}`),
        })
        .to('out', memory.write())
    })
    for (const parallelism of [1, 2]) {
      const run = await testPipeline(quiet, { parallelism, now: 5_000 })
      await run.send('payments', payment('a', 4, 0), payment('a', 4, 1), payment('b', 2, 2))
      const kept = { last: payment('a', 4, 1), seen: new Map([[4, 2]]) }
      expect(run.state('quiet', 'a')).toEqual(kept)
      await run.restart()
      expect(run.state('quiet', 'a')).toEqual(kept)
      expect(run.state('quiet', 'c')).toEqual({})
      await run.advance(minute - 1)
      expect(run.output('out')).toEqual([])
      await run.advance(1)
      expect(run.now).toBe(5_000 + minute)
      expect(run.output<string>('out').toSorted()).toEqual(['a: processing', 'b: processing'])
      await run.send('payments', payment('c', 1, 2 * day))
      expect(run.output<string>('out').toSorted()).toEqual([
        'a: event',
        'a: event',
        'a: processing',
        'b: event',
        'b: processing',
      ])
    }
  })

  test('state inspection shows the value of a key of scan and reduce', async () => {
    const run = await testPipeline(
      pipeline('sums', (p) => {
        const byCard = p.from('payments', memory.read<Payment>([])).keyBy((each) => each.card)
        byCard
          .scan(
            'spent',
            () => 0,
            (total, { amount }) => total + amount,
          )
          .to('out', memory.write())
        byCard.reduce('latest', (_, each) => each).to('last', memory.write())
      }),
    )
    await run.send('payments', payment('a', 4, 0), payment('a', 5, 0))
    expect(run.state('spent', 'a')).toEqual({ value: 9 })
    expect(run.state('latest', 'a')).toEqual({ value: payment('a', 5, 0) })
    expect(run.state('spent', 'b')).toEqual({})
  })

  const asking = pipeline('asking', (p) => {
    p.onError(skip())
    p.from('ids', memory.read<number>([]))
      .mapAsync('ask', async (id) => Promise.reject(new Error(`no network to ask for ${id}`)), {
        timeout: '10s',
      })
      .to('out', memory.write())
  })

  test('calls can be replaced, and time out by the clock of the test', async () => {
    const calls = { ask: async (id: number) => (id === 2 ? new Promise(() => {}) : `name of ${id}`) }
    const run = await testPipeline(asking, { calls })
    await run.send('ids', 1, 2, 3)
    expect(run.output('out')).toEqual(['name of 1'])
    await run.advance('10s')
    expect(run.output('out')).toEqual(['name of 1', 'name of 3'])
    expect(run.count('ask', 'skipped')).toBe(1)
    await run.end()
  })

  test('the end of the pipeline names a call that never returns', async () => {
    const run = await testPipeline(
      pipeline('stuck', (p) => {
        p.from('ids', memory.read<number>([]))
          .mapAsync('ask', async () => new Promise<never>(() => {}))
          .to('out', memory.write())
      }),
    )
    await run.send('ids', 1)
    await expect(run.end()).rejects.toThrow('replace it by the option calls')
  })

  test('dead letters are an output, and a failed pipeline rejects the pending call of the test', async () => {
    const parsing = (isStrict: boolean) =>
      pipeline('parsing', (p) => {
        if (!isStrict) p.onError(deadLetter('rejected', memory.write()))
        p.from('lines', memory.read<string>([]))
          .map((line): unknown => JSON.parse(line), { name: 'parse' })
          .to('out', memory.write())
      })
    const lenient = await testPipeline(parsing(false))
    await lenient.send('lines', '1', 'x')
    expect(lenient.output('out')).toEqual([1])
    expect(lenient.output('rejected')).toMatchObject([
      {
        operator: 'parse',
        value: '"x"',
        place: "source 'lines', split 'main', record 2 that the test has sent",
      },
    ])
    const strict = await testPipeline(parsing(true))
    await expect(strict.send('lines', 'x')).rejects.toThrow(/'parse'/)
  })

  test('an unknown name is rejected with the nearest known one', async () => {
    const run = await testPipeline(fraud)
    await expect(run.send('paymets', 1)).rejects.toThrow(
      "no source is called 'paymets'; did you mean 'payments'?",
    )
    expect(() => run.output('allerts')).toThrow("no sink is called 'allerts'; did you mean 'alerts'?")
    expect(() => run.state('per-crad', 'a')).toThrow("did you mean 'per-card'?")
    await expect(testPipeline(asking, { calls: { x: async () => 1 } })).rejects.toThrow(
      "no mapAsync is called 'x'",
    )
  })
})
