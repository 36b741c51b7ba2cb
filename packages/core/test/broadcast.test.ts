import { memory } from '@millrace/connector-memory'
import { connectBroadcast, output, state, type PipelineBuilder } from '@millrace/flow'
import type { SimPlatform } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { pacedSource } from './paced-source.ts'
import { live, nextLife, untilCheckpoint } from './simulated-job.ts'

const numbers = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i)

test('EN-236 broadcast state is the same in every subtask, over restarts at any parallelism', async () => {
  const rules = { a: numbers(0, 200), b: numbers(1_000, 200), c: numbers(2_000, 200) }
  const keys = { x: numbers(0, 300), y: numbers(0, 300) }
  const sink = memory.write<{ readonly key: number; readonly rules: readonly number[] }>()
  const build = (p: PipelineBuilder): void => {
    connectBroadcast(
      p.from('keys', pacedSource(keys, 2)).keyBy((n) => n % 20),
      p.from('rules', pacedSource(rules, 1)),
    )
      .process('p', {
        output: output<{ readonly key: number; readonly rules: readonly number[] }>(),
        state: { seen: state.value<true>() },
        broadcast: { all: state.list<number>(), byNumber: state.map<number, number>() },
        onRecord: (_, { state: { seen } }) => seen.set(true),
        onBroadcast({ value }, { broadcast: { all, byNumber } }) {
          all.add(value)
          byNumber.set(value, value)
        },
        onEnd({ key }, { broadcast: { all, byNumber }, emit }) {
          emit({ key, rules: all.get().filter((n) => byNumber.get(n) === n) })
        },
      })
      .to('out', sink)
  }
  let platform: SimPlatform | undefined
  for (const [seed, parallelism] of [1, 3, 2, 4].entries()) {
    const world = platform === undefined ? {} : { platform: nextLife(platform, seed + 10) }
    const life = await live(build, {
      ...world,
      parallelism,
      checkpoints: { everyMs: 30 },
      ...untilCheckpoint,
    })
    platform = life.platform
  }
  const last = await live(build, { platform: nextLife(platform!, 20), parallelism: 3 })
  expect(last.result).toMatchObject({ outcome: 'finished' })
  expect(sink.values.map(({ key }) => key).toSorted((a, b) => a - b)).toEqual(numbers(0, 20))
  const [first] = sink.values
  expect(first!.rules.toSorted((a, b) => a - b)).toEqual([...rules.a, ...rules.b, ...rules.c])
  // One order in all of them, although three splits are read side by side.
  for (const each of sink.values) expect(each.rules).toEqual(first!.rules)
})
