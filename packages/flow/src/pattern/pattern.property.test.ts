import { env } from 'node:process'
import { keysOf } from '@millrace/core/graph'
import type { BatchRecord } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { builtPattern, type Marks } from '../../test/pattern-building.ts'
import {
  eventsOf,
  reference,
  skipToOf,
  stageNames,
  type AfterMatch,
  type Part,
  type Path,
  type Sign,
  type StagePart,
  type Times,
} from '../../test/pattern-reference.ts'
import { matchHarness, matchNode, type Letter } from '../../test/pattern-trial.ts'

const numRuns = env['MILLRACE_TEST_LEVEL'] === 'full' ? 1_000 : 120

interface Draw {
  readonly parts: readonly Part[]
  readonly within: number | undefined
  readonly afterMatch: AfterMatch
}

const hows = fc.constantFrom('strict', 'relaxed', 'relaxed', 'any')
const times = (isGroup: boolean): fc.Arbitrary<Times> =>
  fc.record({
    loop: fc.option(
      fc
        .record({
          min: fc.integer({ min: 1, max: 2 }),
          more: fc.constantFrom(0, 1, isGroup ? 1 : Number.POSITIVE_INFINITY),
          inner: hows,
        })
        .map(({ min, more, inner }) => ({ min, max: min + more, inner })),
      { freq: 2, nil: undefined },
    ),
    isOptional: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
  })

const stage: fc.Arbitrary<Part> = fc
  .record({
    letters: fc.constantFrom('a', 'b', 'ab', 'bc', 'abc'),
    isRising: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
    until: fc.option(fc.constantFrom('b', 'c'), { freq: 4, nil: undefined }),
    isGreedy: fc.boolean(),
    how: hows,
    times: times(false),
  })
  .map((drawn) => {
    const isLoop = drawn.times.loop !== undefined
    return {
      ...drawn,
      kind: 'stage' as const,
      name: '',
      until: isLoop ? drawn.until : undefined,
      isGreedy: isLoop && drawn.isGreedy,
    }
  })
const not: fc.Arbitrary<Part> = fc.record({
  kind: fc.constant('not' as const),
  letter: fc.constantFrom('b', 'c'),
  isNext: fc.boolean(),
})
// The first stage of a group is not optional, and none of its stages is greedy: the reference tells positions by stages.
const group: fc.Arbitrary<Part> = fc
  .record({ first: stage, second: fc.option(stage, { nil: undefined }), how: hows, times: times(true) })
  .map(({ first, second, how, times: often }) => {
    const plain = (part: Part, isOptional: boolean): Part =>
      ({ ...part, isGreedy: false, times: { ...(part as StagePart).times, isOptional } }) as Part
    const parts = [
      plain(first, false),
      ...(second === undefined ? [] : [plain(second, (second as StagePart).times.isOptional)]),
    ]
    return { kind: 'group' as const, parts, how, times: often }
  })

const draws: fc.Arbitrary<Draw> = fc
  .record({
    first: fc.oneof({ weight: 5, arbitrary: stage }, { weight: 1, arbitrary: group }),
    more: fc.array(
      fc.oneof(
        { weight: 5, arbitrary: stage },
        { weight: 2, arbitrary: not },
        { weight: 1, arbitrary: group },
      ),
      { maxLength: 3 },
    ),
    within: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
    skip: fc.constantFrom('noSkip', 'noSkip', 'toNext', 'pastLast', 'toFirst', 'toLast'),
    at: fc.nat(3),
  })
  .map(({ first, more, within, skip, at }) => {
    let count = 0
    const named = (part: Part): Part => {
      if (part.kind === 'not') return part
      return part.kind === 'group'
        ? { ...part, parts: part.parts.map(named) }
        : { ...part, name: `s${count++}` }
    }
    const parts = [first, ...more].map(named)
    const name = `s${at % count}`
    const afterMatch = (
      skip === 'toFirst' ? { toFirst: name } : skip === 'toLast' ? { toLast: name } : skip
    ) as AfterMatch
    return { parts, within, afterMatch }
  })

/** How the name of a letter is read. */
const marks: Marks<Letter> = { letterOf: ({ name }) => name[0]!, figureOf: ({ name }) => Number(name[1]) }

function nodeOf({ parts, within, afterMatch }: Draw): ReturnType<typeof matchNode> | undefined {
  try {
    return matchNode(builtPattern(parts, within, marks), { afterMatch })
  } catch (error) {
    // Such a pattern needs a time.
    expect(String(error)).toMatch(/call within/)
    return undefined
  }
}

interface Arrivals {
  /** In the order of arrival, each with its watermark. */
  readonly records: readonly BatchRecord<Letter>[]
  readonly batch: number
  readonly restarts: ReadonlyMap<number, number>
  readonly isTight: boolean
}

const arrivals: fc.Arbitrary<Arrivals> = fc
  .record({
    events: fc.array(
      fc.record({
        key: fc.constantFrom('k', 'k', 'l'),
        letter: fc.constantFrom('a', 'a', 'b', 'c'),
        figure: fc.integer({ min: 0, max: 3 }),
        forward: fc.integer({ min: 0, max: 3 }),
        back: fc.constantFrom(0, 0, 0, 2, 4),
      }),
      { maxLength: 9 },
    ),
    disorder: fc.integer({ min: 0, max: 4 }),
    batch: fc.integer({ min: 1, max: 4 }),
    restarts: fc.array(fc.tuple(fc.nat(8), fc.integer({ min: 1, max: 4 })), { maxLength: 2 }),
    isTight: fc.boolean(),
  })
  .map(({ events, disorder, batch, restarts, isTight }) => {
    let newest = 0
    const records = events.map(({ key, letter, figure, forward, back }, id) => {
      const watermark = id === 0 ? Number.NEGATIVE_INFINITY : newest - disorder
      const time = newest + forward - back
      newest = Math.max(newest, time)
      return { value: { key, name: `${letter}${figure}${id}`, at: time }, time, watermark }
    })
    return { records, batch, restarts: new Map(restarts), isTight }
  })

interface Results {
  readonly matches: readonly string[]
  readonly timedOut: readonly string[]
}

/** What the engine finds for each key. */
function run(node: ReturnType<typeof matchNode>, { records, batch, restarts, isTight }: Arrivals) {
  const harness = matchHarness(node, isTight)
  let waiting: BatchRecord<Letter>[] = []
  const flush = (): void => {
    if (waiting.length > 0) harness.batch(waiting)
    waiting = []
  }
  for (const [index, record] of records.entries()) {
    waiting.push(record)
    const parallelism = restarts.get(index)
    if (waiting.length >= batch || parallelism !== undefined) flush()
    if (parallelism !== undefined) harness.snapshotAndRestore(parallelism)
  }
  flush()
  harness.end()
  const left = harness.cells()
  const stages = (value: object): string =>
    Object.entries(value)
      .filter(([name]) => name.startsWith('s'))
      .map(
        ([name, found]) =>
          `${name}=${[found ?? []]
            .flat()
            .map((one: Letter) => one.name)
            .join('+')}`,
      )
      .join(' ')
  const of = (key: string): Results => {
    const texts = (output: string): readonly string[] =>
      harness
        .side(output)
        .filter(({ value }) => (value as { key: string }).key === key)
        .map(({ value, time }) => `${stages(value as object)} at ${time}`)
    return { matches: texts('main'), timedOut: texts('timedOut') }
  }
  return { of, left, late: harness.side('late').length }
}

/** What the reference finds for one key. */
function expected({ parts, within, afterMatch }: Draw, letters: readonly Letter[]): Results {
  const signs = letters.map(({ name, at }, id): Sign => ({
    id,
    letter: name[0]!,
    figure: Number(name[1]),
    at,
  }))
  const text = ({ path, at }: { readonly path: Path; readonly at: number }): string => {
    const stages = stageNames(parts).map(
      (name) =>
        `${name}=${eventsOf(path, name)
          .map((event) => letters[event]!.name)
          .join('+')}`,
    )
    return `${stages.join(' ')} at ${at}`
  }
  const { matches, timedOut } = reference(
    parts,
    signs,
    within ?? Number.POSITIVE_INFINITY,
    skipToOf(afterMatch),
  )
  return { matches: matches.map(text), timedOut: timedOut.map(text) }
}

describe('any pattern', () => {
  test('finds what trying everything finds, for any arrival, batches, restarts and parallelism', () => {
    fc.assert(
      fc.property(draws, arrivals, (draw, arriving) => {
        const node = nodeOf(draw)
        if (node === undefined) return
        expect(keysOf(node).length).toBe(1)
        const { of, left, late } = run(node, arriving)
        const punctual = arriving.records.filter(({ time, watermark }) => time >= watermark)
        expect(late).toBe(arriving.records.length - punctual.length)
        for (const key of ['k', 'l']) {
          const letters = punctual.map(({ value }) => value).filter((letter) => letter.key === key)
          const wanted = expected(
            draw,
            letters.toSorted((a, b) => a.at - b.at),
          )
          const found = of(key)
          // A match that waits until the input ends has the time of that end.
          const known = found.matches.map((match, i) =>
            wanted.matches[i]?.endsWith('at NaN') === true ? match.replace(/at \S+$/, 'at NaN') : match,
          )
          expect({ ...found, matches: known }).toEqual(wanted)
        }
        expect(left).toEqual({ '#timers': 0, events: 0, partials: 0 })
      }),
      { numRuns },
    )
  })
})
