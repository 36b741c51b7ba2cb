import { memory, type MemorySink } from '@millrace/connector-memory'
import { output, state } from '@millrace/flow'
import { describe, expect, test } from 'vitest'
import {
  ChangingProgram,
  expectRefused,
  expectStopped,
  items,
  warnings,
  type Build,
} from './changing-program.ts'

describe('operators', () => {
  const scanning =
    (program: ChangingProgram, sink: MemorySink<unknown>, name: string): Build =>
    (p) => {
      program
        .keyed(p)
        .scan(
          name,
          () => 0,
          (total, { at }) => total + at,
        )
        .map(({ value }) => value)
        .to('out', sink)
    }

  test('EN-238 a renamed operator is rejected with its new name, unless its state is dropped', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    program.input.push(...items(1, 2))
    await program.live(scanning(program, sink, 'before'))
    program.input.push(...items(3))
    expectRefused(
      await program.live(scanning(program, sink, 'after')),
      "'before': the program no longer has it (if it was renamed to 'after', use the old name). Restore its name, or drop its state with --drop-state before",
    )
    const life = await program.live(scanning(program, sink, 'after'), { dropState: ['before'] })
    expectStopped(life)
    expect(warnings(life)).toEqual([
      expect.stringMatching(
        /^'before' of checkpoint \d+ is dropped: its state \(accumulated\) and timers are gone$/,
      ) as string,
      expect.stringMatching(/^'after' is not in checkpoint \d+ and starts empty$/) as string,
    ])
    expect(sink.values).toEqual([1, 3, 3])
    // Its cells are gone for good: under the old name nothing comes back.
    program.input.push(...items(4))
    await program.live(scanning(program, sink, 'before'), { dropState: ['after'] })
    expect(sink.values).toEqual([1, 3, 3, 4])
  })

  test('another type under the same name is rejected', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    program.input.push(...items(1, 2))
    await program.live(scanning(program, sink, 'op'))
    const life = await program.live((p) => {
      program
        .keyed(p)
        .reduce('op', (a) => a)
        .to('out', sink)
    })
    expectRefused(
      life,
      "'op': it was an operator of type scan and is an operator of type reduce",
      '--drop-state op',
    )
  })

  test('calls in flight of a removed mapAsync are rejected, unless its state is dropped', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    program.input.push(...items(1, 2))
    const asking: Build = (p) => {
      program
        .timed(p)
        .mapAsync('ask', () => new Promise<never>(() => {}))
        .to('out', sink)
    }
    await program.live(asking, { checkpoints: { everyMs: 5 } })
    const passing: Build = (p) => program.timed(p).to('out', sink)
    expectRefused(await program.live(passing), "'ask': the program no longer has it", '--drop-state ask')
    const life = await program.live(passing, { dropState: ['ask'] })
    expectStopped(life)
    expect(warnings(life)).toContainEqual(expect.stringContaining('its calls in flight are not repeated'))
  })

  test('timers are dropped with the state', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    const alarm =
      (size: number): Build =>
      (p) => {
        program
          .keyed(p)
          .process('alarm', {
            output: output<number>(),
            state: size === 1 ? { one: state.value<number>() } : { two: state.value<number>() },
            onRecord({ time }, { timers }) {
              timers.setEvent(time + 100)
            },
            onTimer({ time }, { emit }) {
              emit(time)
            },
          })
          .to('out', sink)
      }
    program.input.push(...items(10, 20))
    await program.live(alarm(1))
    program.input.push(...items(1_000, 1_050))
    expectStopped(await program.live(alarm(2), { dropState: ['alarm'] }))
    expect(sink.values).toEqual([])
  })
})
