import { memory } from '@millrace/connector-memory'
import type { Json } from '@millrace/core'
import type { Sink } from '@millrace/core/connector'
import type { PipelineBuilder } from '@millrace/flow'
import { describe, expect, test } from 'vitest'
import {
  ChangingProgram,
  expectRefused,
  expectStopped,
  items,
  warnings,
  type Item,
} from './changing-program.ts'
import { growingSource } from './growing-source.ts'

/** A sink in an outside system that makes rows visible when they are committed, or refuses to. */
class Outside implements Sink<Item, { readonly rows: readonly number[] }> {
  readonly guarantee: 'exactly-once' | 'at-least-once'
  readonly visible: number[] = []
  /** What `open` was handed, life by life. */
  readonly pending: Json[] = []
  readonly kind: string
  readonly committableVersion: number
  refuses = false

  constructor(kind: string, committableVersion = 1, guarantee: Outside['guarantee'] = 'exactly-once') {
    this.kind = kind
    this.committableVersion = committableVersion
    this.guarantee = guarantee
  }

  async open(_: number, pending: readonly { readonly rows: readonly number[] }[]) {
    this.pending.push(pending)
    for (const committable of pending) this.#commit(committable)
    let rows: number[] = []
    return {
      write: ({ values }: { readonly values: readonly Item[] }) => {
        rows.push(...values.map(({ at }) => at))
      },
      prepare: async () => {
        const prepared = { rows }
        rows = []
        if (this.guarantee === 'exactly-once') return prepared
        this.#commit(prepared)
        return undefined
      },
      commit: async (committable: { readonly rows: readonly number[] }) => this.#commit(committable),
      close: async () => {},
    }
  }

  #commit({ rows }: { readonly rows: readonly number[] }): void {
    if (this.refuses) throw new Error('commit refused')
    for (const row of rows) if (!this.visible.includes(row)) this.visible.push(row)
  }
}

const to =
  (program: ChangingProgram, sink: Sink<Item>, name = 'out') =>
  (p: PipelineBuilder) =>
    p.from('in', growingSource(program.input)).to(name, sink)

describe('sinks', () => {
  /** A program whose work is prepared, named by the checkpoint and not committed. */
  async function pendingWork(kind = 'tx', version = 1): Promise<[ChangingProgram, Outside]> {
    const program = new ChangingProgram()
    const sink = new Outside(kind, version)
    sink.refuses = true
    program.input.push(...items(1, 2, 3))
    const life = await program.live(to(program, sink))
    expect(life.result).toMatchObject({ error: { code: 'SINK_FAILED' } })
    sink.refuses = false
    return [program, sink]
  }

  test('a sink of another type never gets prepared output; the old sink commits it', async () => {
    const [program, sink] = await pendingWork()
    program.input.push(...items(4))
    const other = new Outside('other', 1, 'at-least-once')
    const refused = await program.live(to(program, other))
    expectRefused(
      refused,
      "'out': it was a sink of type tx and is a sink of type other. Undo the change, or start and stop the old program, which commits what is pending, or drop its state with --drop-state out",
    )
    expect([other.pending, other.visible]).toEqual([[], []])
    expectStopped(await program.live(to(program, sink)))
    expect(sink.visible).toEqual([1, 2, 3, 4])
    // Now that all is committed, the sink may change.
    program.input.push(...items(5))
    const life = await program.live(to(program, other))
    expectStopped(life)
    expect(warnings(life)).toEqual([
      expect.stringMatching(
        /^'out' of checkpoint \d+ is converted: it was of type tx and is of type other; no prepared output is pending$/,
      ) as string,
    ])
    expect([other.pending, other.visible, sink.visible]).toEqual([[[]], [5], [1, 2, 3, 4]])
  })

  test('dropped prepared output is shown, and is passed to no sink', async () => {
    const [program] = await pendingWork()
    program.input.push(...items(4))
    const other = new Outside('other')
    const life = await program.live(to(program, other), { dropState: ['out'] })
    expectStopped(life)
    expect(warnings(life)).toEqual([
      expect.stringMatching(
        /^'out' of checkpoint \d+ is dropped: its prepared output is not committed: \[\{"rows":\[1,2,3\]\}\]\. /,
      ) as string,
    ])
    expect([other.pending, other.visible]).toEqual([[[]], [4]])
  })

  test('a removed sink is rejected only while its output is pending', async () => {
    const [program, sink] = await pendingWork()
    const other = new Outside('tx')
    expectRefused(
      await program.live(to(program, other, 'renamed')),
      "'out': the program no longer has it (if it was renamed to 'renamed', use the old name). Restore its name, or start and stop the old program",
    )
    expectStopped(await program.live(to(program, sink)))
    program.input.push(...items(4))
    expectStopped(await program.live(to(program, other, 'renamed')))
    expect([sink.visible, other.visible]).toEqual([[1, 2, 3], [4]])
  })

  test('committables of a later version are rejected, those of an earlier one are passed on', async () => {
    const [program] = await pendingWork('tx', 2)
    expectRefused(
      await program.live(to(program, new Outside('tx', 1))),
      "state 'committables' was written by version 2 of codec 'tx', and the program has the older version 1. Run the newer program",
    )
    const newer = new Outside('tx', 3)
    expectStopped(await program.live(to(program, newer)))
    expect([newer.pending, newer.visible]).toEqual([[[{ rows: [1, 2, 3] }]], [1, 2, 3]])
  })

  test('a sink that no longer prepares does not get its former prepared output', async () => {
    const [program] = await pendingWork()
    const plain = new Outside('tx', 1, 'at-least-once')
    expectRefused(await program.live(to(program, plain)), "state 'committables' was removed")
    expect(plain.pending).toEqual([])
  })
})

describe('sources', () => {
  const from = (program: ChangingProgram, sink: Sink<Item>, kind: string, positionVersion = 1) => {
    const opened: unknown[] = []
    const source = growingSource(program.input, kind)
    const watched: typeof source = {
      ...source,
      positionVersion,
      open: (split, position, context) => {
        opened.push(position)
        return source.open(split, position, context)
      },
    }
    return { opened, build: (p: PipelineBuilder) => p.from('in', watched).to('out', sink) }
  }

  test('a source of another type never gets a position; with its state dropped, it is read from the beginning', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<Item>()
    program.input.push(...items(1, 2))
    const { platform } = await program.live(from(program, sink, 'old').build)
    // What a source keeps for itself may be the only copy of something, so a person removes it.
    platform.fs.put('data/connectors/in/kept', '')
    program.input.push(...items(3))
    const other = from(program, sink, 'new')
    expectRefused(
      await program.live(other.build),
      "'in': it was a source of type old and is a source of type new. Undo the change, or drop its state with --drop-state in",
    )
    expect(other.opened).toEqual([])
    const life = await program.live(other.build, { dropState: ['in'] })
    expectStopped(life)
    expect(warnings(life)).toEqual([
      expect.stringMatching(/^'in' of checkpoint \d+ is dropped: it is read from its beginning/) as string,
      "data/connectors/in still contains data of the connector of 'in'. Remove it when you no longer need it",
    ])
    expect(other.opened).toEqual([undefined])
    expect(sink.values.map(({ at }) => at)).toEqual([1, 2, 1, 2, 3])
  })

  test('positions of a later version are rejected, those of an earlier one are passed on', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<Item>()
    program.input.push(...items(1, 2))
    await program.live(from(program, sink, 'in', 2).build)
    expectRefused(
      await program.live(from(program, sink, 'in', 1).build),
      "state 'positions' was written by version 2 of codec 'in', and the program has the older version 1",
    )
    const newer = from(program, sink, 'in', 3)
    expectStopped(await program.live(newer.build))
    expect(newer.opened).toEqual([2])
  })

  test('a removed source is rejected, unless its positions are dropped', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<Item>()
    program.input.push(...items(1, 2))
    const { build } = from(program, sink, 'in')
    await program.live((p) => {
      build(p)
      p.from('second', growingSource(program.input)).to('more', memory.write())
    })
    expectRefused(await program.live(build), "'second': the program no longer has it", '--drop-state second')
    expectStopped(await program.live(build, { dropState: ['second'] }))
  })
})
