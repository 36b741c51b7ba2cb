import { memory } from '@millrace/connector-memory'
import {
  join,
  joinTables,
  sliding,
  tumbling,
  type PipelineBuilder,
  type TableTtlOptions,
  type TimedKeyedStream,
} from '@millrace/flow'
import { describe, expect, test } from 'vitest'
import { cells, expectRefused, expectStopped, warnings, type Build, type Item } from './changing-program.ts'
import { openSource } from './open-source.ts'
import { live, nextLife, untilCheckpoint, type SimulatedLife } from './simulated-job.ts'

const at = (...times: readonly number[]): readonly Item[] => times.map((time) => ({ key: 'a', at: time }))

function keyed(p: PipelineBuilder, name: string, items: readonly Item[]): TimedKeyedStream<Item, string> {
  return p
    .from(name, openSource({ s: items }))
    .withTimestamps({ timestamp: (item) => item.at })
    .keyBy(({ key }) => key as string)
}

const joining = (p: PipelineBuilder, left: readonly Item[] = at(1), right: readonly Item[] = at(2)) =>
  join(keyed(p, 'orders', left), keyed(p, 'payments', right))

const text = (left: Item | undefined, right: Item | undefined): string =>
  `${left?.at ?? '-'} ${right?.at ?? '-'}`

/** Both programs over one disk, one after the other. */
async function lives(first: Build, second: Build, parallelism = [1, 1]): Promise<SimulatedLife> {
  const options = { isBounded: false, ...untilCheckpoint }
  const before = await live(first, { ...options, parallelism: parallelism[0]! })
  expectStopped(before)
  return live(second, { platform: nextLife(before.platform), ...options, parallelism: parallelism[1]! })
}

describe('a join of a changed program', () => {
  const between =
    (lower: string, upper: string, kind: 'inner' | 'left' = 'inner'): Build =>
    (p) =>
      joining(p).between(lower, upper)[kind]('paid', text).to('out', memory.write())

  test('other bounds are rejected in the terms of the program', async () => {
    expectRefused(
      await lives(between('-5m', '1h'), between('-1m', '2h')),
      "'paid': lower bound was -5m and is -1m, upper bound was 1h and is 2h. Undo the change, keep 'paid' and add the new operator under another name, or drop its state with --drop-state paid",
    )
  })

  test('another kind of join is rejected', async () => {
    expectRefused(
      await lives(between('0s', '1h'), between('0s', '1h', 'left')),
      "'paid': join was inner and is left",
    )
  })

  test('other windows are rejected', async () => {
    const inWindows =
      (windows: Parameters<ReturnType<typeof joining>['window']>[0]): Build =>
      (p) =>
        joining(p).window(windows).anti('unpaid').to('out', memory.write())
    expectRefused(
      await lives(inWindows(tumbling('1m')), inWindows(sliding({ size: '1m', slide: '10s' }))),
      "'unpaid': window kind was tumbling and is sliding",
    )
  })

  test('another validity of versions is rejected', async () => {
    const asOf =
      (validFor?: string): Build =>
      (p) =>
        joining(p)
          .asOf(validFor === undefined ? {} : { validFor })
          .inner('priced', text)
          .to('out', memory.write())
    expectRefused(await lives(asOf(), asOf('1d')), "'priced': valid for was until the next version and is 1d")
  })

  const tables =
    (ttl?: TableTtlOptions): Build =>
    (p) =>
      joinTables({
        left: keyed(p, 'orders', at(1)).toTable('left-rows'),
        right: keyed(p, 'payments', at(2)).toTable('right-rows'),
      })
        .inner('paid', ttl === undefined ? {} : { ttl })
        .toStream()
        .to('out', memory.write())

  test.each([
    [undefined, { after: '1d' }],
    [{ after: '1d' }, undefined],
    [{ after: '1d' }, { after: '1d', clock: 'processing' }],
  ] as const)('rows of tables that expire otherwise are rejected: %j, then %j', async (before, now) => {
    expectRefused(await lives(tables(before), tables(now)), 'rows')
  })

  test('another life of the rows of tables is announced', async () => {
    const life = await lives(tables({ after: '1d' }), tables({ after: '2d' }))
    expectStopped(life)
    expect(warnings(life)).toEqual(
      Array(2).fill(expect.stringContaining('is converted: rows live was 1d and is 2d')),
    )
  })

  test('the same bounds in other units are restored', async () => {
    const life = await lives(between('-60s', '60m'), between('-1m', '1h'))
    expectStopped(life)
    expect(warnings(life)).toEqual([])
  })
})

describe('a join that is restored', () => {
  test.each([
    [1, 1],
    [1, 4],
    [3, 2],
  ])(
    'EN-122 EN-235 from %i to %i subtasks, waiting rows join later ones, and every unmatched row is emitted once',
    async (...parallelism) => {
      const sink = memory.write<string>()
      const program =
        (left: readonly Item[], right: readonly Item[]): Build =>
        (p) =>
          joining(p, left, right).between(0, 5).full('paid', text).to('out', sink)
      const life = await lives(
        program(at(3, 4, 20), at(1, 3, 20)),
        program(at(3, 4, 20, 50), at(1, 3, 20, 24, 60)),
        parallelism,
      )
      expectStopped(life)
      expect(sink.values.toSorted()).toEqual(['- 1', '20 20', '20 24', '3 3', '4 -'])
      // 50 and 60: the watermark has passed all others.
      expect(cells(life)).toBe(2)
    },
  )
})
