import { memory, type MemorySink } from '@millrace/connector-memory'
import { explain, explanationText } from '@millrace/core/graph'
import { connect, output, pipeline, state, type PipelineBuilder } from '@millrace/flow'
import type { SimPlatform } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { expectRefused, expectStopped, warnings, type Build } from './changing-program.ts'
import { openSource } from './open-source.ts'
import { scheduledSource } from './scheduled-source.ts'
import { live, nextLife, untilCheckpoint } from './simulated-job.ts'

interface Event {
  readonly key: string
  readonly at: number
}

const at = (...times: readonly number[]): readonly Event[] => times.map((time) => ({ key: 'a', at: time }))

function stream(p: PipelineBuilder, name: string, events: readonly Event[]) {
  return p.from(name, openSource({ s: events })).withTimestamps({ timestamp: (event) => event.at })
}

/** Emits the time of each left record at that time, with the right records that have come by then. */
function reminding(
  p: PipelineBuilder,
  left: readonly Event[],
  right: readonly Event[],
  sink: MemorySink<string>,
) {
  connect(
    stream(p, 'left', left).keyBy(({ key }) => key),
    stream(p, 'right', right).keyBy(({ key }) => key),
  )
    .process('remind', {
      output: output<string>(),
      state: { seen: state.list<number>() },
      onLeft: ({ time }, { timers }) => timers.setEvent(time),
      onRight: ({ time }, { state: { seen } }) => seen.add(time),
      onTimer: ({ time }, { state: { seen }, emit }) => emit(`${time}: ${seen.get().join(' ')}`),
    })
    .to('out', sink)
}

describe('the watermark of an operator with several inputs', () => {
  test('EN-087 is the minimum of its inputs: a timer fires when both have passed it', async () => {
    const sink = memory.write<string>()
    await live((p) => reminding(p, at(10, 20, 90), at(5, 15, 30), sink), {
      isBounded: false,
      ...untilCheckpoint,
    })
    expect(sink.values).toEqual(['10: 5 15', '20: 5 15 30'])
  })

  test('EN-087 an input that ends alone is not waited for', async () => {
    const sink = memory.write<string>()
    await live(
      (p) => {
        const open = p
          .from('open', scheduledSource([['open', 50, 5]]))
          .withTimestamps({ timestamp: (time) => time })
        const ended = p.from('ended', scheduledSource([['ending', 7, 0]], 'ending'))
        connect(
          open.keyBy(() => 'a'),
          ended.withTimestamps({ timestamp: (time) => time }).keyBy(() => 'a'),
        )
          .process('remind', {
            output: output<string>(),
            onLeft: ({ time }, { timers }) => timers.setEvent(time - 20),
            onRight: () => {},
            onTimer: ({ time }, { emit }) => emit(`timer ${time}`),
          })
          .to('out', sink)
      },
      { isBounded: false, ...untilCheckpoint },
    )
    expect(sink.values).toEqual(['timer 30'])
  })

  test('EN-087 an input that is idle alone is not waited for', async () => {
    const sink = memory.write<string>()
    await live(
      (p) => {
        const busy = p
          .from('busy', scheduledSource([['s', 50, 5]]))
          .withTimestamps({ timestamp: (time) => time })
        const quiet = p.from('quiet', scheduledSource([['s', 7, 0]]))
        connect(
          busy.keyBy(() => 'a'),
          quiet.withTimestamps({ timestamp: (time) => time, idleAfter: 20 }).keyBy(() => 'a'),
        )
          .process('remind', {
            output: output<string>(),
            onLeft: ({ time }, { timers }) => timers.setEvent(time - 20),
            onRight: () => {},
            onTimer: ({ time }, { emit }) => emit(`timer ${time}`),
          })
          .to('out', sink)
      },
      { isBounded: false, ...untilCheckpoint },
    )
    expect(sink.values).toEqual(['timer 30'])
  })

  test.each([
    [1, 1],
    [1, 3],
    [4, 2],
  ])(
    'EN-098 after a restart from %i to %i subtasks an input without records keeps its watermark',
    async (before, after) => {
      const sink = memory.write<string>()
      const life = async (
        platform: SimPlatform | undefined,
        right: readonly Event[],
        parallelism: number,
      ) => {
        const { result, platform: disk } = await live((p) => reminding(p, at(10, 20, 90), right, sink), {
          ...(platform !== undefined && { platform }),
          isBounded: false,
          parallelism,
          ...untilCheckpoint,
        })
        expect(result).toEqual({ outcome: 'stopped' })
        return nextLife(disk)
      }
      const disk = await life(undefined, at(5, 15), before)
      expect(sink.values).toEqual(['10: 5 15'])
      // The left input is at 90 without a record of its own.
      await life(disk, at(5, 15, 30), after)
      expect(sink.values).toEqual(['10: 5 15', '20: 5 15 30'])
    },
  )
})

describe('a plan with an operator of several inputs', () => {
  const meeting = pipeline('meeting', (p) => {
    connect(
      stream(p, 'orders', at()).keyBy(({ key }) => key),
      stream(p, 'payments', at()).keyBy(({ at }) => String(at)),
    )
      .process('paid', { output: output<string>(), onLeft: () => {}, onRight: () => {} })
      .to('out', memory.write())
  })

  test('there is a shuffle for each input, and explain names them', () => {
    const { graph } = meeting.describe()
    const { tasks } = explain(graph, 2)
    expect(
      tasks.map(({ name, sends }) => `${name} > ${sends.map((to) => `${to.to} ${to.exchange}`).join()}`),
    ).toEqual(['orders > paid key', 'payments > paid key', 'paid > out forward', 'out > '])
    expect(explanationText(explain(graph))).toContain(
      "connect by key, reads it as 'left', also reads 'withTimestamps-2' as 'right'; keeps timers",
    )
  })

  test('streams of two sources each have an edge to the common operator, whatever precedes it', () => {
    const steps = pipeline('steps', (p) => {
      const keys = (name: string) => stream(p, name, at()).map(({ key }) => key, { name: `keys of ${name}` })
      connect(
        keys('orders').keyBy((key) => key),
        keys('payments').keyBy((key) => key),
      )
        .process('paid', { output: output<string>(), onLeft: () => {}, onRight: () => {} })
        .to('out', memory.write())
    })
    const { tasks } = explain(steps.describe().graph, 1)
    expect(tasks.filter(({ kind }) => kind === 'chain').map(({ parts }) => parts.join(' + '))).toEqual([
      'keys of orders',
      'keys of payments',
      'paid',
    ])
  })

  test('streams that split and join again are one chain where no shuffle is needed', () => {
    const diamond = pipeline('diamond', (p) => {
      const all = stream(p, 'in', at()).map((event) => event, { name: 'all' })
      connect(
        all.filter(({ at }) => at < 5, { name: 'early' }).keyBy(({ key }) => key),
        all.map((event) => event.key, { name: 'keys' }).keyBy((key) => key),
      )
        .process('meet', { output: output<string>(), onLeft: () => {}, onRight: () => {} })
        .to('out', memory.write())
    })
    const { graph } = diamond.describe()
    expect(explain(graph, 1).tasks.map(({ parts }) => parts.join(' + '))).toEqual([
      'in + withTimestamps-1',
      'all + early + meet + keys',
      'out',
    ])
    expect(explain(graph, 2).tasks.map(({ parts }) => parts.join(' + '))).toEqual([
      'in + withTimestamps-1',
      'all + early + keys',
      'meet',
      'out',
    ])
  })

  test.each([1, 2])(
    'with %i subtasks records of both paths arrive before the watermark',
    async (parallelism) => {
      const sink = memory.write<string>()
      await live(
        (p) => {
          const all = stream(p, 'in', at(1, 2, 30)).map((event) => event)
          const delayed = all
            .keyBy(({ key }) => key)
            .process('delay', {
              output: output<number>(),
              onRecord: ({ time }, { timers }) => timers.setEvent(time + 5),
              onTimer: ({ time }, { emit }) => emit(time),
            })
          connect(
            all.keyBy(({ key }) => key),
            delayed.keyBy(() => 'a'),
          )
            .process('meet', {
              output: output<string>(),
              onLeft: ({ time }, { timers }) => timers.setEvent(time + 5),
              onRight: ({ value }, { emit, watermark }) =>
                emit(`delayed ${value}, late ${value < watermark()}`),
              onTimer: ({ time }, { emit }) => emit(`timer ${time}`),
            })
            .to('out', sink)
        },
        { parallelism },
      )
      expect(sink.values.toSorted()).toEqual(
        [6, 7, 35].flatMap((time) => [`delayed ${time}, late false`, `timer ${time}`]).toSorted(),
      )
    },
  )
})

describe('a changed program with an operator of several inputs', () => {
  const lives = async (first: Build, second: Build) => {
    const before = await live(first, { isBounded: false, ...untilCheckpoint })
    expectStopped(before)
    return live(second, { platform: nextLife(before.platform), isBounded: false, ...untilCheckpoint })
  }
  const paid =
    (change: 'none' | 'swapped' | 'another' | 'step'): Build =>
    (p) => {
      const orders = stream(p, 'orders', at(1)).keyBy(({ key }) => key)
      const all = stream(p, 'payments', at(1))
      const payments = (change === 'step' ? all.filter(() => true) : all).keyBy(({ key }) => key)
      const checked = payments.reduce('checked', (a) => a).map(({ value }) => value)
      checked.to('seen', memory.write())
      const right = change === 'another' ? checked.keyBy(({ key }) => key) : payments
      connect(change === 'swapped' ? right : orders, change === 'swapped' ? orders : right)
        .process('paid', {
          output: output<string>(),
          state: { all: state.list<number>() },
          onLeft: ({ time }, { state: { all } }) => all.add(time),
          onRight: () => {},
        })
        .to('out', memory.write())
    }

  test('swapped inputs are rejected in the terms of the program', async () => {
    expectRefused(
      await lives(paid('none'), paid('swapped')),
      "'paid': input 'left' read 'orders' and reads 'payments', which was input 'right', so its state would be read as records of the other. Undo the change, or drop its state with --drop-state paid",
    )
  })

  test('another operator before an input causes a warning', async () => {
    const life = await lives(paid('none'), paid('another'))
    expectStopped(life)
    expect(warnings(life)).toEqual([
      expect.stringMatching(
        /^'paid' of checkpoint \d+ is converted: input 'right' read 'payments' and reads 'checked'$/,
      ) as string,
    ])
  })

  test('a step before an input changes nothing', async () => {
    const life = await lives(paid('none'), paid('step'))
    expectStopped(life)
    expect(warnings(life)).toEqual([])
  })

  test('an operator with a new second input is rejected', async () => {
    const one: Build = (p) => {
      stream(p, 'payments', at(1)).to('seen', memory.write())
      stream(p, 'orders', at(1))
        .keyBy(({ key }) => key)
        .process('paid', {
          output: output<string>(),
          state: { all: state.list<number>() },
          onRecord: () => {},
        })
        .to('out', memory.write())
    }
    expectRefused(
      await lives(one, paid('none')),
      "'paid': it was an operator of type process and is an operator of type connect",
    )
  })
})
