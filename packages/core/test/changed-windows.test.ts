import { memory } from '@millrace/connector-memory'
import {
  collect,
  count,
  mean,
  session,
  sliding,
  sum,
  tumbling,
  type Aggregates,
  type Window,
  type WindowAssigner,
} from '@millrace/flow'
import { describe, expect, test } from 'vitest'
import {
  cells,
  ChangingProgram,
  expectRefused,
  expectStopped,
  items,
  warnings,
  type Build,
  type Item,
} from './changing-program.ts'

function windowsOf(assigner: WindowAssigner, time: number): Window[] {
  const { firstWindowEnd, lastWindowEnd } = assigner.slice(time)
  const windows: Window[] = []
  for (let end = firstWindowEnd; end <= lastWindowEnd; end = assigner.slice(end).firstWindowEnd)
    windows.push({ start: assigner.startOf(end), end })
  return windows
}

describe('windows', () => {
  const windowed =
    (
      program: ChangingProgram,
      assigner: WindowAssigner,
      aggregates: Aggregates<Item>,
      sink = memory.write<unknown>(),
      late = memory.write<Item>(),
    ) =>
    (allowedLateness = 0): Build =>
    (p) => {
      const results = program.keyed(p).window(assigner).aggregate('w', aggregates, { allowedLateness })
      results.to('out', sink)
      results.late.to('late', late)
    }
  const n = count<Item>()
  const changes: readonly (readonly [string, WindowAssigner, WindowAssigner, RegExp])[] = [
    ['another size', tumbling('1m'), tumbling('10s'), /'w': window size was 1m and is 10s\. /],
    ['another offset', tumbling(60), tumbling(60, { offset: 20 }), /window offset was 0ms and is 20ms/],
    [
      'another kind',
      sliding({ size: 100, slide: 50 }),
      tumbling(100),
      /window kind was sliding and is tumbling, window slide was 50ms and is not set/,
    ],
    ['another slide', sliding({ size: 60, slide: 30 }), sliding({ size: 60, slide: 20 }), /slide was 30ms/],
  ]

  test.each(changes)('%s is rejected, and the state can be dropped', async (_, before, after, message) => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    program.input.push(...items(10, 15))
    expectStopped(await program.live(windowed(program, before, { n }, sink)()))
    program.input.push(...items(1_000_000))
    const refused = await program.live(windowed(program, after, { n }, sink)())
    expectRefused(refused, message, '--drop-state w', 'nothing was restored or changed')
    expect(sink.values).toEqual([])

    const dropped = await program.live(windowed(program, after, { n }, sink)(), { dropState: ['w'] })
    expectStopped(dropped)
    expect(warnings(dropped)).toEqual([
      expect.stringMatching(
        /^'w' of checkpoint \d+ is dropped: its open windows \(n\) and timers are gone$/,
      ) as string,
    ])
    expect(sink.values).toEqual([])
    // Nothing leaks: only the slice of the new record is left.
    expect(cells(dropped)).toBe(1)
    // The option may stay: what was made since is kept.
    program.input.push(...items(2_000_000))
    const kept = await program.live(windowed(program, after, { n }, sink)(), { dropState: ['w'] })
    expectStopped(kept)
    expect(warnings(kept)).toEqual([expect.stringMatching(/^--drop-state w drops nothing: /) as string])
    expect(sink.values).toEqual(windowsOf(after, 1_000_000).map((window) => ({ key: 'a', window, n: 1 })))
  })

  test('the same windows in other units are restored', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    program.input.push(...items(10, 15))
    await program.live(windowed(program, tumbling('1m'), { n }, sink)())
    program.input.push(...items(20, 200_000))
    const life = await program.live(windowed(program, sliding({ size: 60_000, slide: '1m' }), { n }, sink)())
    expectStopped(life)
    expect(warnings(life)).toEqual([])
    expect(sink.values).toEqual([{ key: 'a', window: { start: 0, end: 60_000 }, n: 3 }])
  })

  test('an added aggregate starts empty in open windows, a removed one is dropped, both with a warning', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    const total = sum(({ at }: Item) => at)
    const all = collect(({ at }: Item) => at)
    program.input.push(...items(10, 15))
    await program.live(windowed(program, tumbling(100), { n, all }, sink)())
    program.input.push(...items(20))
    const life = await program.live(windowed(program, tumbling(100), { n, total }, sink)())
    expectStopped(life)
    expect(warnings(life)).toEqual([
      expect.stringMatching(
        /^'w' of checkpoint \d+ is converted: aggregate 'all' was removed and its values are dropped$/,
      ) as string,
      expect.stringMatching(
        /^'w' of checkpoint \d+ is converted: aggregate 'total' is new and starts empty, also in windows that are open$/,
      ) as string,
    ])
    program.input.push(...items(200))
    const last = await program.live(windowed(program, tumbling(100), { n, total }, sink)())
    expect(warnings(last)).toEqual([])
    expect(sink.values).toEqual([{ key: 'a', window: { start: 0, end: 100 }, n: 3, total: 20 }])
  })

  test('an aggregate that comes back after a run without it starts empty in every window', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    const m = sum(({ at }: Item) => at)
    program.input.push(...items(10, 110))
    await program.live(windowed(program, tumbling(1000), { n, m }, sink)())
    await program.live(windowed(program, tumbling(1000), { n }, sink)())
    // Under its name something else comes back: no stored value of the old kind is read.
    program.input.push({ key: 'b', at: 20 })
    expectStopped(
      await program.live(windowed(program, tumbling(1000), { n, m: mean(({ at }: Item) => at) }, sink)()),
    )
    program.input.push(...items(5000))
    await program.live(windowed(program, tumbling(1000), { n, m: mean(({ at }: Item) => at) }, sink)())
    expect(sink.values).toEqual([
      { key: 'a', window: { start: 0, end: 1000 }, n: 2, m: undefined },
      { key: 'b', window: { start: 0, end: 1000 }, n: 1, m: 20 },
    ])
  })

  test('another aggregate under the same name is rejected, and accepted under another name', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    program.input.push(...items(10, 15))
    await program.live(windowed(program, tumbling(100), { n, figure: sum(({ at }: Item) => at) }, sink)())
    const figure = mean(({ at }: Item) => at)
    const refused = await program.live(windowed(program, tumbling(100), { n, figure }, sink)())
    expectRefused(
      refused,
      "aggregate 'figure' was of kind sum and is of kind mean. Undo the change, give the new aggregate another name",
    )
    const versioned = await program.live(
      windowed(program, tumbling(100), { n: { ...n, version: 2 }, figure }, sink)(),
    )
    expectRefused(
      versioned,
      "aggregate 'n' had version 1 and has version 2",
      "aggregate 'figure' was of kind sum",
    )
    program.input.push(...items(300))
    expectStopped(await program.live(windowed(program, tumbling(100), { n, other: figure }, sink)()))
    expect(sink.values).toEqual([{ key: 'a', window: { start: 0, end: 100 }, n: 2, other: undefined }])
  })

  test('a larger allowed lateness applies to windows that end later; closed windows stay closed', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    const late = memory.write<Item>()
    const build = windowed(program, tumbling(100), { n }, sink, late)
    program.input.push(...items(10, 20, 150))
    await program.live(build(0))
    const first = { key: 'a', window: { start: 0, end: 100 }, n: 2 }
    expect(sink.values).toEqual([first])
    // The window [0, 100) is gone: a late record must not open it again and emit it with a count of 1.
    program.input.push(...items(30))
    const life = await program.live(build(1_000))
    expectStopped(life)
    expect(warnings(life)).toContainEqual(expect.stringContaining('allowed lateness was 0ms and is 1s'))
    program.input.push(...items(40, 250))
    expectStopped(await program.live(build(1_000)))
    expect(sink.values).toEqual([first, { key: 'a', window: { start: 100, end: 200 }, n: 1 }])
    // A window that has ended since takes late records.
    program.input.push(...items(160, 50))
    expectStopped(await program.live(build(1_000)))
    expect(sink.values.slice(2)).toEqual([{ key: 'a', window: { start: 100, end: 200 }, n: 2 }])
    expect(late.values.map(({ at }) => at)).toEqual([30, 40, 50])
    const { operators } = await program.manifest()
    expect(operators.find(({ name }) => name === 'w')?.earlier).toEqual([
      { setting: 'allowed lateness', value: 0, until: [{ groups: [0, 127], watermark: 150 }] },
    ])
  })

  test('with a larger allowed lateness, closed sliding windows are not emitted again', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    const build = windowed(program, sliding({ size: 100, slide: 50 }), { n }, sink)
    program.input.push(...items(10, 60, 120))
    await program.live(build(0))
    const starts = () => sink.values.map((value) => (value as { window: { start: number } }).window.start)
    expect(starts()).toEqual([-50, 0])
    // In [0, 100), which is over, and in [50, 150), which is open.
    program.input.push(...items(70, 160))
    expectStopped(await program.live(build(1_000)))
    expect(starts()).toEqual([-50, 0, 50])
    expect(sink.values.at(-1)).toMatchObject({ n: 3 })
  })

  test('a smaller allowed lateness at once closes the windows that it no longer keeps open', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    const build = windowed(program, tumbling(100), { n }, sink)
    program.input.push(...items(10, 20, 350))
    const before = await program.live(build(1_000))
    expect(cells(before)).toBe(2)
    program.input.push(...items(30, 360))
    const after = await program.live(build(0))
    expectStopped(after)
    expect(cells(after)).toBe(1)
    expect(sink.values).toEqual([{ key: 'a', window: { start: 0, end: 100 }, n: 2 }])
  })
})

describe('sessions', () => {
  const visits =
    (
      program: ChangingProgram,
      gap: number,
      { allowedLateness = 0, hasMean = false, sink = memory.write<unknown>() } = {},
    ): Build =>
    (p) => {
      const aggregates = { n: count<Item>(), ...(hasMean && { m: mean(({ at }: Item) => at) }) }
      program
        .keyed(p)
        .window(session(gap))
        .aggregate('visits', aggregates, { allowedLateness })
        .to('out', sink)
    }

  test('with another gap, or in place of other windows, are rejected', async () => {
    const program = new ChangingProgram()
    program.input.push(...items(10))
    await program.live(visits(program, 60_000))
    expectRefused(
      await program.live(visits(program, 1_000)),
      "'visits': window gap was 1m and is 1s. Undo the change",
    )
    const hours: Build = (p) => {
      program.keyed(p).window(tumbling('1h')).aggregate('visits', { n: count() }).to('out', memory.write())
    }
    expectRefused(await program.live(hours), 'window kind was session and is tumbling')
  })

  test('keep their values when an aggregate is added, and continue after a restart', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    program.input.push(...items(10, 15))
    await program.live(visits(program, 10, { sink }))
    program.input.push(...items(20, 50))
    expectStopped(await program.live(visits(program, 10, { sink, hasMean: true })))
    expect(sink.values).toEqual([{ key: 'a', window: { start: 10, end: 30 }, n: 3, m: 20 }])
  })

  test('with a smaller allowed lateness are closed at once, and with a larger one closed sessions stay closed', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    program.input.push(...items(10, 100))
    expect(cells(await program.live(visits(program, 10, { sink, allowedLateness: 1_000 })))).toBe(2)
    program.input.push(...items(110))
    expect(cells(await program.live(visits(program, 10, { sink })))).toBe(1)
    // The session that it belongs to was closed.
    program.input.push(...items(12))
    expect(cells(await program.live(visits(program, 10, { sink, allowedLateness: 1_000 })))).toBe(1)
    expect(sink.values).toEqual([{ key: 'a', window: { start: 10, end: 20 }, n: 1 }])
  })
})
