import fc from 'fast-check'
import { memory, type MemorySink } from '@millrace/connector-memory'
import { evolvingCodec, numberCodec, structuredCodec, type Codec } from '@millrace/core'
import {
  collect,
  count,
  max,
  output,
  sliding,
  state,
  sum,
  type Aggregate,
  type StateSpecs,
  type WindowResult,
} from '@millrace/flow'
import { describe, expect, test } from 'vitest'
import {
  ChangingProgram,
  expectRefused,
  expectStopped,
  warnings,
  type Build,
  type Item,
} from './changing-program.ts'

/** The windows of a drawn program, and its aggregates by name. */
interface DrawnWindows {
  readonly size: number
  readonly overlap: number
  readonly offset: number
  readonly lateness: number
  readonly aggregates: Readonly<Record<string, AggregateKind>>
}

type AggregateKind = 'count' | 'sum' | 'max' | 'collect' | 'sum, codec 2'

/** The pieces of state of a drawn program, by name. */
type DrawnPieces = Readonly<Record<string, PieceKind>>

type PieceKind = 'value' | 'value, version 2' | 'value, other codec' | 'list' | 'map'

interface Drawn {
  readonly windows: DrawnWindows
  readonly pieces: DrawnPieces
}

const evolved = evolvingCodec({ from: structuredCodec<number>(), to: numberCodec, migrate: (n) => n })

const figure = ({ at }: Item): number => at % 7

function aggregateOf(kind: AggregateKind): Aggregate<Item, never, unknown> {
  const aggregates = { count: count<Item>(), sum: sum(figure), max: max(figure), collect: collect(figure) }
  if (kind === 'sum, codec 2') return { ...aggregates.sum, codec: evolved } as never
  return aggregates[kind] as never
}

function pieceOf(kind: PieceKind): StateSpecs[string] {
  const codecs: Readonly<Record<string, Codec<number>>> = {
    'value, version 2': evolved,
    'value, other codec': numberCodec,
  }
  if (kind === 'list') return state.list<number>()
  return kind === 'map' ? state.map<string, number>() : state.value<number>({ codec: codecs[kind] })
}

type Result = WindowResult<string, Record<string, never>> & Readonly<Record<string, unknown>>

interface Sinks {
  readonly windows: MemorySink<Result>
  readonly pieces: MemorySink<Readonly<Record<string, unknown>>>
}

function newSinks(): Sinks {
  return { windows: memory.write(), pieces: memory.write() }
}

/** The program: windows with aggregates, and `process` with pieces, each of which remembers every record. */
function buildOf({ windows, pieces }: Drawn, program: ChangingProgram, sinks: Sinks): Build {
  const { size, overlap, offset, lateness, aggregates } = windows
  const named = (kinds: Readonly<Record<string, never>>) => Object.entries<never>(kinds)
  return (p) => {
    const keyed = program.keyed(p)
    keyed
      .window(sliding({ size, slide: size / overlap, offset }))
      .aggregate(
        'w',
        Object.fromEntries(named(aggregates as never).map(([name, kind]) => [name, aggregateOf(kind)])),
        { allowedLateness: lateness },
      )
      .to('windows', sinks.windows)
    keyed
      .process('p', {
        output: output<Readonly<Record<string, unknown>>>(),
        state: Object.fromEntries(named(pieces as never).map(([name, kind]) => [name, pieceOf(kind)])),
        onRecord({ key, value }, { state: handles, emit }) {
          const seen = Object.entries(handles).map(([name, handle]) => [
            name,
            remember(handle as object, value.at),
          ])
          emit({ key, at: value.at, ...Object.fromEntries(seen) })
        },
      })
      .to('pieces', sinks.pieces)
  }
}

/** Puts a record into a piece of state, and says what the piece holds now. */
function remember(handle: object, at: number): unknown {
  if ('add' in handle) {
    const list = handle as { add(n: number): void; get(): readonly number[] }
    list.add(at)
    return list.get().join()
  }
  if ('entries' in handle) {
    const map = handle as { set(name: string, n: number): void; entries(): Iterable<[string, number]> }
    map.set(`${at % 3}`, at)
    return [...map.entries()].join(' ')
  }
  const value = handle as { set(n: number): void; get(): number | undefined }
  value.set((value.get() ?? 0) + at)
  return value.get()
}

type Outcome = 'same' | 'convert' | 'refuse'

/** What must become of a change, as a table: written down without looking at the code that decides it. */
const aggregateTable: Readonly<Record<AggregateKind, Partial<Record<AggregateKind, Outcome>>>> = {
  count: { count: 'same' },
  sum: { sum: 'same', 'sum, codec 2': 'convert' },
  max: { max: 'same' },
  collect: { collect: 'same' },
  'sum, codec 2': { 'sum, codec 2': 'same' },
}
const pieceTable: Readonly<Record<PieceKind, Partial<Record<PieceKind, Outcome>>>> = {
  value: { value: 'same', 'value, version 2': 'convert' },
  'value, version 2': { 'value, version 2': 'same' },
  'value, other codec': { 'value, other codec': 'same' },
  list: { list: 'same' },
  map: { map: 'same' },
}

function expectedOutcome(before: Drawn, after: Drawn): Outcome {
  const outcomes: Outcome[] = []
  for (const setting of ['size', 'overlap', 'offset'] as const) {
    outcomes.push(before.windows[setting] === after.windows[setting] ? 'same' : 'refuse')
  }
  outcomes.push(before.windows.lateness === after.windows.lateness ? 'same' : 'convert')
  const pairs = <K>(a: Readonly<Record<string, K>>, b: Readonly<Record<string, K>>) =>
    ['a', 'b', 'c'].map((name) => [a[name], b[name]] as const).filter(([x, y]) => x !== y || x !== undefined)
  for (const [old, own] of pairs(before.windows.aggregates, after.windows.aggregates)) {
    if (old === undefined || own === undefined) outcomes.push('convert')
    else outcomes.push(aggregateTable[old][own] ?? 'refuse')
  }
  for (const [old, own] of pairs(before.pieces, after.pieces)) {
    if (old === undefined) outcomes.push('convert')
    else outcomes.push(own === undefined ? 'refuse' : (pieceTable[old][own] ?? 'refuse'))
  }
  if (outcomes.includes('refuse')) return 'refuse'
  return outcomes.includes('convert') ? 'convert' : 'same'
}

const kinds = <K extends string>(...values: readonly K[]) =>
  fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom(...values), { noNullPrototype: true })
const windows = fc.record({
  size: fc.constantFrom(20, 40),
  overlap: fc.constantFrom(1, 2),
  offset: fc.constantFrom(0, 3),
  lateness: fc.constantFrom(0, 50),
  aggregates: kinds<AggregateKind>('count', 'sum', 'max', 'collect', 'sum, codec 2'),
})
const pieces = kinds<PieceKind>('value', 'value, version 2', 'value, other codec', 'list', 'map')

/** Two programs that differ in one or two places, or in none. */
const change = fc.oneof(
  fc.constant(() => ({})),
  windows.map(({ size }) => () => ({ size })),
  windows.map(({ overlap }) => () => ({ overlap })),
  windows.map(({ offset }) => () => ({ offset })),
  windows.map(({ lateness }) => () => ({ lateness })),
  windows.map(({ aggregates }) => () => ({ aggregates })),
  windows.map(({ aggregates }) => (before: DrawnWindows) => ({
    aggregates: { ...aggregates, ...before.aggregates },
  })),
)
const pieceChange = fc.oneof(
  fc.constant((before: DrawnPieces) => before),
  pieces.map((added) => (before: DrawnPieces) => ({ ...added, ...before })),
  pieces.map((changed) => (before: DrawnPieces) => ({ ...before, ...changed })),
  pieces.map((changed) => () => changed),
)
const pair = fc
  .tuple(fc.record({ windows, pieces }), change, pieceChange)
  .map(([before, changeWindows, changePieces]) => ({
    before,
    after: {
      windows: { ...before.windows, ...changeWindows(before.windows) },
      pieces: changePieces(before.pieces),
    },
  }))

/** Records in order, so that none is late under any lateness. */
const input = fc
  .array(fc.tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 0, max: 15 })), {
    minLength: 1,
    maxLength: 20,
  })
  .map((steps) => {
    let at = 0
    return steps.map(([key, step]) => ({ key, at: (at += step) }))
  })

/** What a program gives that sees `records` only. */
async function fresh(drawn: Drawn, records: readonly Item[]): Promise<Sinks> {
  const program = new ChangingProgram()
  const sinks = newSinks()
  program.input.push(...records)
  expectStopped(await program.live(buildOf(drawn, program, sinks)))
  return sinks
}

const only = (names: readonly string[]) => (result: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(['key', 'at', 'window', ...names].map((name) => [name, result[name]]))

const kept = (a: object, b: object) => Object.keys(b).filter((name) => name in a)

const endsAfter = (time: number) => (result: Result) => result.window.end > time

describe('two programs over one checkpoint', () => {
  test('are restored, converted or rejected as the table says, with the results of a run from the start', async () => {
    const outcomes = new Map<Outcome, number>()
    await fc.assert(
      fc.asyncProperty(pair, input, input, async ({ before, after }, first, more) => {
        const start = first.at(-1)!.at
        const second = more.map(({ key, at }) => ({ key, at: at + start }))
        const program = new ChangingProgram()
        program.input.push(...first)
        expectStopped(await program.live(buildOf(before, program, newSinks())))
        program.input.push(...second)
        const sinks = newSinks()
        const life = await program.live(buildOf(after, program, sinks))
        const outcome = expectedOutcome(before, after)
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
        let expected = after
        if (outcome === 'refuse') {
          expectRefused(life, 'nothing was restored or changed')
          expect([sinks.windows.values, sinks.pieces.values]).toEqual([[], []])
          // Nothing was changed: the old program finds everything as it was.
          expected = before
          expectStopped(await program.live(buildOf(before, program, sinks)))
        } else {
          expectStopped(life)
          expect(warnings(life).some((text) => text.includes('is converted'))).toBe(outcome === 'convert')
        }
        const all = await fresh(expected, [...first, ...second])
        const aggregates = only(kept(before.windows.aggregates, expected.windows.aggregates))
        expect(sinks.windows.values.map(aggregates)).toEqual(
          all.windows.values.filter(endsAfter(start)).map(aggregates),
        )
        const old = only(kept(before.pieces, expected.pieces))
        expect(sinks.pieces.values.map(old)).toEqual(all.pieces.values.slice(first.length).map(old))
        // What is new has seen the new records only.
        const late = await fresh(expected, second)
        const added = only(Object.keys(expected.pieces).filter((name) => !(name in before.pieces)))
        expect(sinks.pieces.values.map(added)).toEqual(late.pieces.values.map(added))
      }),
      { numRuns: 60 },
    )
    expect([...outcomes.keys()].toSorted()).toEqual(['convert', 'refuse', 'same'])
  })

  test('with the state dropped, any program has the results of the new records alone', async () => {
    await fc.assert(
      fc.asyncProperty(pair, input, input, async ({ before, after }, first, more) => {
        const start = first.at(-1)!.at
        const second = more.map(({ key, at }) => ({ key, at: at + start }))
        const program = new ChangingProgram()
        program.input.push(...first)
        expectStopped(await program.live(buildOf(before, program, newSinks())))
        program.input.push(...second)
        const sinks = newSinks()
        expectStopped(await program.live(buildOf(after, program, sinks), { dropState: ['w', 'p'] }))
        const alone = await fresh(after, second)
        expect(sinks.windows.values).toEqual(alone.windows.values)
        expect(sinks.pieces.values).toEqual(alone.pieces.values)
      }),
      { numRuns: 20 },
    )
  })
})
