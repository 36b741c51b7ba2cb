import { memory, type MemorySink } from '@millrace/connector-memory'
import { output, state, type KeyedStream } from '@millrace/flow'
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
import { growingSource } from './growing-source.ts'

describe('keys', () => {
  const counting =
    (
      program: ChangingProgram,
      sink: MemorySink<unknown>,
      keyOf: (item: Item) => never,
      onError?: 'skip',
    ): Build =>
    (p) => {
      const keyed: KeyedStream<Item, never> = p.from('in', growingSource(program.input)).keyBy(keyOf)
      keyed
        .scan(
          'n',
          () => 0,
          (n) => n + 1,
          onError === undefined ? {} : { onError: { kind: onError } },
        )
        .map(({ value }) => value)
        .to('out', sink)
    }
  const changes: readonly (readonly [before: string, now: string, key: unknown])[] = [
    ['string', 'number', 1],
    ['number', 'string', '1'],
    ['array of 2', 'array of 3', [1, 2, 3]],
    ['object {card, shop}', 'object {card}', { card: 'c' }],
    ['bigint', 'boolean', true],
  ]
  const example: Readonly<Record<string, unknown>> = {
    string: 'a',
    number: 7,
    'array of 2': ['a', 1],
    'object {card, shop}': { shop: 1, card: 'x' },
    bigint: 1n,
  }

  test.each(changes)('%s to %s: rejected at the first record', async (before, _, key) => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    program.input.push(...items(1, 2))
    await program.live(counting(program, sink, () => example[before] as never))
    expect((await program.manifest()).operators).toContainEqual(
      expect.objectContaining({ name: 'n', keys: [before] }),
    )
    program.input.push(...items(3))
    const refused = await program.live(counting(program, sink, () => key as never, 'skip'))
    expectRefused(
      refused,
      `the keys of operator 'n' have another type than its state: the checkpoint has keys of type ${before},`,
      '--drop-state n',
    )
    expect(sink.values).toEqual([1, 2])
    const dropped = await program.live(
      counting(program, sink, () => key as never),
      { dropState: ['n'] },
    )
    expectStopped(dropped)
    expect(sink.values).toEqual([1, 2, 1])
  })

  test('of a new type are accepted after one of a known type, and null is a key of any type', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    program.input.push({ key: 'a', at: 0 })
    const byKey = counting(program, sink, ({ key }) => key as never)
    await program.live(byKey)
    program.input.push({ key: null, at: 1 }, { key: 'b', at: 2 }, { key: 5, at: 3 }, { key: [1], at: 4 })
    expectStopped(await program.live(byKey))
    expect(sink.values).toEqual([1, 1, 1, 1, 1])
    const { operators } = await program.manifest()
    expect(operators.find(({ name }) => name === 'n')?.keys).toEqual(['array of 1', 'number', 'string'])
    program.input.push({ key: 5, at: 5 })
    expectStopped(await program.live(byKey))
    expect(sink.values).toEqual([1, 1, 1, 1, 1, 2])
  })

  test('of one selector may have several types: a restart that begins with another type is accepted', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    const byKey = counting(program, sink, ({ key }) => key as never)
    for (const [at, key] of ['a', 5, [1], true].entries()) {
      program.input.push({ key, at })
      const life = await program.live(byKey)
      expectStopped(life)
      expect(warnings(life)).toHaveLength(at === 0 ? 0 : 1)
    }
    expect(sink.values).toEqual([1, 1, 1, 1])
  })

  test('of another type are accepted if no state is left', async () => {
    const program = new ChangingProgram()
    const sink = memory.write<unknown>()
    const clearing =
      (key: unknown): Build =>
      (p) => {
        p.from('in', growingSource(program.input))
          .keyBy(() => key as string)
          .process('n', {
            output: output<number>(),
            state: { last: state.value<number>() },
            onRecord({ value }, { state: { last }, emit }) {
              if (value.at === 500) last.clear()
              else last.set(value.at)
              emit(value.at)
            },
          })
          .to('out', sink)
      }
    program.input.push(...items(1))
    expect(cells(await program.live(clearing('a')))).toBe(1)
    program.input.push(...items(500))
    expect(cells(await program.live(clearing('a')))).toBe(0)
    program.input.push(...items(600))
    expectStopped(await program.live(clearing(7)))
    expect(sink.values).toEqual([1, 500, 600])
  })
})
