import { memory, type MemorySink } from '@millrace/connector-memory'
import { evolvingCodec, numberCodec, structuredCodec } from '@millrace/core'
import { noPieces } from '@millrace/core/operator'
import { startJob } from '@millrace/core/job'
import { output, pipeline, state, type StateSpecs } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, simPlatform } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import {
  cells,
  ChangingProgram,
  expectRefused,
  expectStopped,
  items,
  warnings,
  type Build,
} from './changing-program.ts'

describe('pieces of state', () => {
  const summing =
    (program: ChangingProgram, sink: MemorySink<unknown>, specs: StateSpecs, name = 'total'): Build =>
    (p) => {
      program
        .keyed(p)
        .process(name, {
          output: output<number>(),
          state: specs,
          onRecord({ value }, { state: handles, emit }) {
            const [handle] = Object.values(handles) as { get(): number; set(value: unknown): void }[]
            handle!.set((handle!.get() ?? 0) + value.at)
            emit(handle!.get())
          },
          onTimer() {},
        })
        .to('out', sink)
    }

  test('an added piece starts empty, with a warning', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    program.input.push(...items(1, 2))
    await program.live(summing(program, sink, { sum: state.value<number>() }))
    program.input.push(...items(3))
    const life = await program.live(
      summing(program, sink, { sum: state.value<number>(), seen: state.map<string, number>() }),
    )
    expectStopped(life)
    expect(warnings(life)).toEqual([
      expect.stringMatching(
        /^'total' of checkpoint \d+ is converted: state 'seen' is new and starts empty$/,
      ) as string,
    ])
    expect(sink.values).toEqual([1, 3, 6])
  })

  test('a renamed piece is rejected; with its old name the state is as before', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    program.input.push(...items(5, 5))
    await program.live(summing(program, sink, { sum: state.value<number>() }))
    program.input.push(...items(10))
    const renamed = summing(program, sink, { amount: state.value<number>() })
    expectRefused(
      await program.live(renamed),
      "'total': state 'sum' was removed (if state 'amount' is a new name for it, use the old one). Declare it again, or drop its values",
      '--drop-state total/sum',
    )
    expect(sink.values).toEqual([5, 10])
    expectStopped(await program.live(summing(program, sink, { sum: state.value<number>() })))
    expect(sink.values).toEqual([5, 10, 20])
  })

  test('a piece can be dropped alone, and stays dropped when its name comes back', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    const both = { sum: state.value<number>(), other: state.value<number>() }
    program.input.push(...items(5, 5))
    await program.live(summing(program, sink, both))
    const life = await program.live(summing(program, sink, { other: state.value<number>() }), {
      dropState: ['total/sum'],
    })
    expectStopped(life)
    expect(warnings(life)).toEqual([
      expect.stringMatching(
        /^'total' of checkpoint \d+ is converted: the values of state 'sum' are dropped$/,
      ) as string,
    ])
    expect(cells(life)).toBe(0)
    program.input.push(...items(7))
    expectStopped(await program.live(summing(program, sink, both)))
    expect(sink.values).toEqual([5, 10, 7])
  })

  test('another kind or codec under the same name is rejected, and can be dropped', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    program.input.push(...items(5, 5))
    await program.live(summing(program, sink, { sum: state.value<number>() }))
    const listed = summing(program, sink, { other: state.value<number>(), sum: state.list<number>() })
    expectRefused(await program.live(listed), "state 'sum' was of kind value and is of kind list. ")
    const coded = summing(program, sink, { sum: state.value({ codec: numberCodec }) })
    expectRefused(
      await program.live(coded),
      "state 'sum' was written by codec 'structured' and has codec 'number', which cannot read it. Migrate the values with evolvingCodec, or drop its values with --drop-state total/sum",
    )
    program.input.push(...items(7))
    expectStopped(await program.live(coded, { dropState: ['total/sum'] }))
    expect(sink.values).toEqual([5, 10, 7])
  })

  test('a newer codec migrates the values, with a warning; the older program then rejects them', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    const old = structuredCodec<number>()
    const evolved = evolvingCodec({ from: old, to: numberCodec, migrate: (value) => value + 100 })
    program.input.push(...items(5, 5))
    await program.live(summing(program, sink, { sum: state.value({ codec: old }) }))
    program.input.push(...items(7))
    const life = await program.live(summing(program, sink, { sum: state.value({ codec: evolved }) }))
    expectStopped(life)
    expect(warnings(life)).toEqual([
      expect.stringMatching(/state 'sum' is migrated from version 1 to 2 of codec 'structured'/) as string,
    ])
    expect(sink.values).toEqual([5, 10, 117])
    expectRefused(
      await program.live(summing(program, sink, { sum: state.value({ codec: old }) })),
      "state 'sum' was written by version 2 of codec 'structured', and the program has the older version 1",
    )
  })

  test('EN-183 a time to live over old values begins with the start, and its end keeps them', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    const lasting = summing(program, sink, { sum: state.value<number>() })
    const expiring = (clock: 'event' | 'processing') =>
      summing(program, sink, { sum: state.value<number>({ ttl: { after: 1_000, clock } }) })
    program.input.push(...items(1, 5))
    await program.live(lasting)
    // The watermark is 5 now: the old value lives until 1005.
    program.input.push(...items(1_004))
    const added = await program.live(expiring('event'))
    expect(warnings(added)).toEqual([
      expect.stringMatching(
        /state 'sum' expires now, by event time; the time to live of its values begins with this start$/,
      ) as string,
    ])
    program.input.push(...items(3_000))
    expectStopped(await program.live(expiring('event')))
    expect(sink.values).toEqual([1, 6, 1_010, 3_000])
    program.input.push(...items(9_000))
    const other = await program.live(expiring('processing'))
    expect(warnings(other)).toEqual([
      expect.stringMatching(/expired by event time and expires by processing time/) as string,
    ])
    program.input.push(...items(90_000))
    const removed = await program.live(lasting)
    expect(warnings(removed)).toEqual([expect.stringMatching(/state 'sum' no longer expires$/) as string])
    expect(sink.values.slice(4)).toEqual([12_000, 102_000])
  })

  test('an operator with state that its fingerprint does not name is rejected', async () => {
    const program = new ChangingProgram()
    const { graph } = pipeline(
      'test',
      summing(program, memory.write(), { sum: state.value<number>() }),
    ).describe()
    const nodes = graph.nodes.map((node) =>
      node.kind === 'operator' ? { ...node, fingerprint: noPieces } : node,
    )
    const platform = simPlatform({ seed: 1 })
    const job = startJob({ graph: { ...graph, nodes }, platform, store: memoryStore(), directory: 'data' })
    expect(await driveJob(job, platform.clock)).toMatchObject({
      error: {
        code: 'GRAPH_INVALID',
        message:
          "operator 'total' asks for state 'sum', which its fingerprint does not name; add the piece to 'fingerprint'",
      },
    })
  })
})
