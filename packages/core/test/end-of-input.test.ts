import { describe, expect, test } from 'vitest'
import { memory, type MemorySink } from '@millrace/connector-memory'
import type { Source } from '@millrace/core/connector'
import type { TimersAtEnd } from '@millrace/core/operator'
import { count, output, state, tumbling, type PipelineBuilder } from '@millrace/flow'
import { simPlatform } from '@millrace/testkit'
import { openSource } from './open-source.ts'
import { live, nextLife, type SimulatedLife } from './simulated-job.ts'

function warningsOf({ events }: SimulatedLife): readonly string[] {
  return events.flatMap((event) => (event.kind === 'warning' ? [event.message] : []))
}

/** Reminds of each number after a while that is longer than any test; a number may ask for a second reminder. */
function reminding(
  fired: MemorySink<string>,
  options: {
    readonly timersAtEnd?: TimersAtEnd
    readonly again?: boolean
    readonly source?: Source<number>
  } = {},
): (p: PipelineBuilder) => void {
  const { timersAtEnd = 'fire', again = false, source = memory.read({ all: [30, 10, 20] }) } = options
  return (p) =>
    p
      .from('n', source)
      .keyBy((n) => n)
      .process('remind', {
        output: output<string>(),
        timersAtEnd,
        onRecord: ({ value }, { timers, now }) => timers.setProcessing(now() + value * 1e6, String(value)),
        onTimer({ name }, { emit, timers, now }) {
          emit(name)
          if (again) timers.setProcessing(now() + 1, 'again')
        },
      })
      .to('fired', fired)
}

describe('processing timers that are pending when the input ends', () => {
  test('fire at once, in the order of their times, and are logged and counted', async () => {
    const fired = memory.write<string>()
    const life = await live(reminding(fired))
    expect(fired.values).toEqual(['10', '20', '30'])
    expect(warningsOf(life)).toEqual([
      "3 processing timers of operator 'remind' were pending at the end of its input and were fired at once",
    ])
    expect(life.job.status().tasks.flatMap(({ counts }) => [...counts])).toEqual([['remind/firedAtEnd', 3]])
  })

  test('are dropped if the operator says so, logged and counted too, and are not restored', async () => {
    const fired = memory.write<string>()
    const life = await live(reminding(fired, { timersAtEnd: 'drop' }))
    expect(warningsOf(life)).toEqual([
      "3 processing timers of operator 'remind' were pending at the end of its input and were dropped, as it asks for with timersAtEnd",
    ])
    expect(life.job.status().tasks.flatMap(({ counts }) => [...counts])).toEqual([['remind/droppedAtEnd', 3]])
    await live(reminding(fired), { platform: nextLife(life.platform) })
    expect(fired.values).toEqual([])
  })

  test('stay set if the operator says so, also those of event time, and fire in a later run', async () => {
    const fired = memory.write<string>()
    const numbers = openSource({ all: [10, 20] })
    const build = (timersAtEnd: TimersAtEnd) => (p: PipelineBuilder) =>
      p
        .from('n', numbers)
        .withTimestamps({ timestamp: (n) => n })
        .keyBy(() => 'all')
        .process('remind', {
          output: output<string>(),
          timersAtEnd,
          onRecord: ({ value }, { timers, now }) => {
            timers.setEvent(value + 5)
            timers.setProcessing(now() + value, `clock ${value}`)
          },
          onTimer: ({ name, time, domain }, { emit }) => emit(domain === 'event' ? `event ${time}` : name),
        })
        .to('fired', fired)
    const life = await live(build('keep'))
    expect(fired.values).toEqual(['event 15'])
    expect(warningsOf(life)).toEqual([])
    await live(build('fire'), { platform: nextLife(life.platform) })
    expect(fired.values).toEqual(['event 15', 'event 25', 'clock 10', 'clock 20'])
  })

  test('fire once, also one that sets the next: a repeating timer stops with its input', async () => {
    const fired = memory.write<string>()
    const life = await live(reminding(fired, { again: true }))
    expect(fired.values).toEqual(['10', '20', '30'])
    expect(warningsOf(life)).toContain(
      "3 processing timers that operator 'remind' set at the end of its input were dropped",
    )
  })

  test('stay set when the job is stopped, and fire when it is drained', async () => {
    const fired = memory.write<string>()
    const after: number[] = []
    let platform = simPlatform({ seed: 1 })
    for (const drain of [false, true]) {
      await live(reminding(fired, { source: openSource({ all: [30, 10, 20] }) }), {
        platform,
        isBounded: false,
        onEvent: (event, job) => {
          if (event.kind === 'checkpointCompleted') void job.stop({ drain })
        },
      })
      after.push(fired.values.length)
      platform = nextLife(platform)
    }
    expect(after).toEqual([0, 3])
  })

  test('emit records on a timed stream that are not late for a later window', async () => {
    const [windows, late] = [memory.write<{ n: number }>(), memory.write<unknown>()]
    await live((p) => {
      const counted = p
        .from('n', memory.read({ all: [10, 20, 130] }))
        .withTimestamps({ timestamp: (n) => n })
        .keyBy((n) => n)
        .process('wait', {
          output: output<number>(),
          onRecord: (_, { timers, now }) => timers.setProcessing(now() + 1e9),
          onTimer: ({ key }, { emit }) => emit(key),
        })
        .keyBy(() => 'all')
        .window(tumbling(100))
        .aggregate('counted', { n: count() })
      counted.to('windows', windows)
      counted.late.to('late', late)
    })
    expect(late.values).toEqual([])
    expect(windows.values.map(({ n }) => n)).toEqual([3])
  })
})

describe('onEnd', () => {
  /** Gathers numbers by their remainder of 3, and emits what is gathered only at the end. */
  function gathering(numbers: readonly number[], batches: MemorySink<string>): (p: PipelineBuilder) => void {
    return (p) =>
      p
        .from('n', openSource({ all: numbers }))
        .keyBy((n) => n % 3)
        .process('gather', {
          output: output<string>(),
          state: { list: state.list<number>(), seen: state.map<number, boolean>() },
          onRecord({ value }, { state: { list, seen } }) {
            if (value < 100) list.add(value)
            seen.set(value, true)
          },
          onEnd({ key }, { state: { list, seen }, emit }) {
            emit(`${key}: ${list.get().join(' ')}, ${seen.size} seen`)
            list.clear()
            seen.clear()
          },
        })
        .to('batches', batches)
  }

  test('is called for each key that has state of any kind, once, with that key', async () => {
    for (const parallelism of [1, 3]) {
      const batches = memory.write<string>()
      await live(gathering([1, 2, 4, 5, 102], batches), { parallelism })
      expect(batches.values.toSorted()).toEqual(['0: , 1 seen', '1: 1 4, 2 seen', '2: 2 5, 2 seen'])
    }
  })

  test('is called again at the next end for keys with new records, and only for those', async () => {
    const batches = memory.write<string>()
    let platform = simPlatform({ seed: 1 })
    for (const numbers of [
      [1, 4],
      [1, 4],
      [1, 4, 7],
    ]) {
      await live(gathering(numbers, batches), { platform })
      platform = nextLife(platform)
    }
    expect(batches.values).toEqual(['1: 1 4, 2 seen', '1: 7, 1 seen'])
  })

  test('is not called for kept state without new records', async () => {
    const ends: number[] = []
    let platform = simPlatform({ seed: 1 })
    for (const numbers of [[1], [1], [1, 2]]) {
      await live(
        (p) =>
          p
            .from('n', openSource({ all: numbers }))
            .keyBy((n) => n)
            .process('keep', {
              output: output<number>(),
              state: { last: state.value<number>() },
              onRecord: ({ value }, { state: { last } }) => last.set(value),
              onEnd: ({ key }) => void ends.push(key),
            })
            .to('out', memory.write()),
        { platform },
      )
      platform = nextLife(platform)
    }
    expect(ends).toEqual([1, 1, 2])
  })

  test('processes many keys in slices, also before full outputs', async () => {
    const batches = memory.write<string>()
    await live(
      (p) =>
        p
          .from('n', memory.read({ all: Array.from({ length: 5_000 }, (_, n) => n) }))
          .keyBy((n) => n)
          .process('gather', {
            output: output<string>(),
            state: { last: state.value<number>() },
            onRecord: ({ value }, { state: { last } }) => last.set(value),
            onEnd: ({ key }, { emit }) => emit(String(key)),
          })
          .to('batches', batches),
      { batchRecords: 16, edgeBatches: 1 },
    )
    expect(new Set(batches.values).size).toBe(5_000)
    expect(batches.values.length).toBe(5_000)
  })
})

test('sources whose input is ended one by one: the job continues with the others, then fires windows and finishes', async () => {
  const windows = memory.write<{ n: number }>()
  const read: number[] = []
  const { result } = await live(
    (p) => {
      const [first, second] = ['first', 'second'].map((name) =>
        p.from(name, openSource({ [name]: [1, 2, 3] })).withTimestamps({ timestamp: (n) => n }),
      )
      first!
        .union(second!)
        .keyBy(() => 'all')
        .window(tumbling(100))
        .aggregate('all', { n: count() })
        .to('windows', windows)
    },
    {
      isBounded: false,
      checkpoints: { everyMs: 5 },
      onEvent: (event, job) => {
        if (event.kind !== 'checkpointCompleted') return
        read.push(windows.values.length)
        expect(() => job.endInput('third')).toThrow("no source 'third'")
        job.endInput(read.length < 4 ? 'first' : 'second')
      },
    },
  )
  expect(result).toEqual({ outcome: 'finished' })
  // Windows wait for both.
  expect(read.slice(0, 4)).toEqual([0, 0, 0, 0])
  expect(windows.values.map(({ n }) => n)).toEqual([6])
})
