import { collect, count, deadLetter, mean, output, sliding, state, sum, tumbling } from '@millrace/flow'
import { describe, expect, test } from 'vitest'
import { goldenRun } from './golden-run.ts'

interface Payment {
  readonly id: number
  readonly card: string
  readonly amount: number
  readonly at: number
}

const payment = (id: number, card: string, amount: number, at: number): Payment => ({ id, card, amount, at })

/** Two splits, each out of order by at most 5. */
const payments = {
  a: [
    payment(1, 'x', 10, 1),
    payment(2, 'y', 5, 4),
    payment(3, 'x', 20, 12),
    payment(4, 'y', 7, 9),
    payment(5, 'x', 1, 31),
  ],
  b: [payment(6, 'x', 100, 3), payment(7, 'z', 50, 14), payment(8, 'z', 2, 33), payment(9, 'y', 3, 30)],
}

/** The output of `scan` and `reduce` for one key. */
const keyed = (key: number, values: readonly number[]) =>
  values.map((value) => JSON.stringify({ key, value }))

describe('golden pipelines, run normally, in small batches, with failures and at other parallelisms', () => {
  test('steps, union and split', async () => {
    const received = await goldenRun((p, { source, sink, failOnce }) => {
      const web = p.from('web', source({ a: [1, 2, 3, 4, 5] })).map((n) => n * 2)
      const shop = p.from('shop', source({ b: [10, 11] })).flatMap((n) => [n, -n])
      const { small, negative, rest } = web
        .union(shop.filter((n) => n !== 11))
        .tap((n) => {
          if (n === 8) failOnce()
        })
        .split('sizes', { negative: (n) => n < 0, small: (n) => n < 5 })
      small.to('small', sink('small'))
      negative.to('negative', sink('negative'))
      rest.to('rest', sink('rest'))
    })
    expect(received).toEqual({ small: ['2', '4'], negative: ['-10', '-11'], rest: ['10', '10', '6', '8'] })
  })

  test('windows by event time over two splits', async () => {
    const received = await goldenRun((p, { source, sink, failOnce }) => {
      const timed = p
        .from('payments', source(payments))
        .withTimestamps({ timestamp: ({ at }) => at, maxOutOfOrderness: 5 })
        .tap(({ id }) => {
          if (id === 3) failOnce()
        })
      timed
        .keyBy(({ card }) => card)
        .window(tumbling(10))
        .aggregate('per-card', {
          n: count(),
          total: sum(({ amount }) => amount),
          usual: mean(({ amount }) => amount),
        })
        .map(({ key, window, n, total, usual }) => `${key} ${window.start}: ${n} ${total} ${usual}`)
        .to('tumbling', sink('tumbling'))
      timed
        .keyBy(() => 'all')
        .window(sliding({ size: 20, slide: 10 }))
        .aggregate('all', { n: count() })
        .map(({ window, n }) => `${window.start}: ${n}`)
        .to('sliding', sink('sliding'))
    })
    expect(received).toEqual({
      tumbling: [
        '"x 0: 2 110 55"',
        '"x 10: 1 20 20"',
        '"x 30: 1 1 1"',
        '"y 0: 2 12 6"',
        '"y 30: 1 3 3"',
        '"z 10: 1 50 50"',
        '"z 30: 1 2 2"',
      ],
      sliding: ['"-10: 4"', '"0: 6"', '"10: 2"', '"20: 3"', '"30: 3"'],
    })
  })

  test('late records', async () => {
    // Which records are late depends on the slowest input, and with several inputs on their order.
    const received = await goldenRun(
      (p, { source, sink }) => {
        const late = [
          payment(1, 'x', 1, 5),
          payment(2, 'x', 1, 100),
          payment(3, 'x', 1, 15),
          payment(4, 'x', 1, 95),
        ]
        const windows = p
          .from('payments', source({ only: late }))
          .withTimestamps({ timestamp: ({ at }) => at })
          .keyBy(({ card }) => card)
          .window(tumbling(10))
          .aggregate('ids', { ids: collect(({ id }) => id) }, { allowedLateness: 10 })
        windows.map(({ ids }) => ids).to('on-time', sink('on-time'))
        windows.late.map(({ id }) => id).to('late', sink('late'))
      },
      { parallelismMax: 1 },
    )
    expect(received).toEqual({ 'on-time': ['[1]', '[2]', '[4]'], late: ['3'] })
  })

  test('scan, reduce and mapAsync', async () => {
    const received = await goldenRun((p, { source, sink, failOnce }) => {
      const numbers = p.from('numbers', source({ only: [1, 2, 3, 4, 5, 6, 7, 8] }))
      const odd = numbers
        .mapAsync('echo', async (n) => n, { concurrency: 3 })
        .tap((n) => {
          if (n === 5) failOnce()
        })
        .keyBy((n) => n % 2)
      odd.reduce('sum', (a, b) => a + b).to('sums', sink('sums'))
      odd
        .scan(
          'count',
          () => 0,
          (n) => n + 1,
        )
        .to('counts', sink('counts'))
      odd.mapAsync('double', async (n) => n * 2).to('doubles', sink('doubles'))
    })
    expect(received).toEqual({
      sums: [...keyed(0, [2, 6, 12, 20]), ...keyed(1, [1, 4, 9, 16])].toSorted(),
      counts: [...keyed(0, [1, 2, 3, 4]), ...keyed(1, [1, 2, 3, 4])].toSorted(),
      doubles: ['10', '12', '14', '16', '2', '4', '6', '8'],
    })
  })

  test('process with timers and side outputs', async () => {
    const received = await goldenRun((p, { source, sink, failOnce }) => {
      const quiet = p
        .from('payments', source(payments))
        .withTimestamps({ timestamp: ({ at }) => at, maxOutOfOrderness: 5 })
        .keyBy(({ card }) => card)
        .process('quiet', {
          output: output<string>(),
          outputs: { first: output<number>() },
          state: { total: state.value<number>(), cards: state.list<number>() },
          onRecord({ value, time }, { state: { total, cards }, outputs, timers }) {
            if (value.id === 4) failOnce()
            if (total.get() === undefined) outputs.first.emit(1)
            total.set((total.get() ?? 0) + value.amount)
            cards.add(value.amount)
            timers.setEvent(Math.ceil((time + 1) / 10) * 10)
          },
          onTimer({ key, time }, { state: { total, cards }, emit }) {
            emit(`${key} ${time}: ${total.get()} of ${cards.get().length}`)
          },
        })
      quiet.outputs.first.to('first', sink('first'))
      // The order of records from two splits is not deterministic, so only the last result of each card is
      // checked.
      quiet.filter((text) => text.includes(' 40: ')).to('last', sink('last'))
    })
    expect(received).toEqual({
      first: ['1', '1', '1'],
      last: ['"x 40: 131 of 4"', '"y 40: 15 of 3"', '"z 40: 52 of 2"'],
    })
  })

  test('dead letters of several operators in one sink', async () => {
    const received = await goldenRun((p, { source, sink }) => {
      p.onError(deadLetter('rejected', sink('rejected')))
      p.from('lines', source({ only: ['1', 'x', '-3', '4'] }))
        .map((line) => JSON.parse(line) as number, { name: 'parse' })
        .keyBy(() => 'all')
        .reduce('root', (a, b) => {
          if (b < 0) throw new Error(`${b} has no root`)
          return a + b
        })
        .to('out', sink('out'))
    })
    const letters = received['rejected']!.map(
      (letter) => JSON.parse(letter) as { operator: string; value: string },
    )
    expect(letters.map(({ operator, value }) => `${operator}: ${value}`).toSorted()).toEqual([
      'parse: "x"',
      'root: -3',
    ])
    expect(received['out']).toEqual(['{"key":"all","value":1}', '{"key":"all","value":5}'])
  })
})
