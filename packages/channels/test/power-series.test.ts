import { expect } from 'vitest'
import { everySchedule, sized } from './every-schedule.ts'
import { Channel, Scope, select } from '../src/index.ts'
import type { SelectCase } from '../src/index.ts'
import { upTo } from './probe.ts'

// McIlroy's "Squinting at power series": a series is a pair of channels and a task; a coefficient is computed
// only on demand. Hundreds of tasks depend on one another, and one lost message stops them all.

interface Rational {
  readonly over: bigint
  readonly under: bigint
}

const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? a : gcd(b, a % b))

function rational(over: bigint, under = 1n): Rational {
  const g = gcd(over, under)
  return { over: over / g, under: under / g }
}

const [zero, one] = [rational(0n), rational(1n)]

function plus(a: Rational, b: Rational): Rational {
  return rational(a.over * b.under + b.over * a.under, a.under * b.under)
}

function times(a: Rational, b: Rational): Rational {
  return rational(a.over * b.over, a.under * b.under)
}

interface Series {
  readonly request: Channel<null>
  readonly data: Channel<Rational>
}

/** Starts the task of a series. */
type Make = (coefficients: (signal: AbortSignal) => AsyncGenerator<Rational>) => Series

function makeIn(scope: Scope): Make {
  return (coefficients) => {
    const series = { request: new Channel<null>(), data: new Channel<Rational>() }
    scope.go(async (signal) => {
      const generator = coefficients(signal)
      for await (const _ of series.request.values(signal)) {
        await series.data.send((await generator.next()).value as Rational, signal)
      }
    })
    return series
  }
}

async function get(series: Series, signal: AbortSignal): Promise<Rational> {
  await series.request.send(null, signal)
  return (await series.data.receive(signal)).value!
}

/** One coefficient of each, in the order in which the two become ready. */
async function get2(a: Series, b: Series, signal: AbortSignal): Promise<[Rational, Rational]> {
  const results = new Map<string, Rational>()
  const asked = new Set<string>()
  const ask = (name: string, { request }: Series): SelectCase | undefined =>
    asked.has(name) ? undefined : request.sendCase(null)
  const answer = (name: string, { data }: Series): ReturnType<typeof data.receiveCase> | undefined =>
    asked.has(name) && !results.has(name) ? data.receiveCase() : undefined
  while (results.size < 2) {
    const cases = { askA: ask('a', a), askB: ask('b', b), a: answer('a', a), b: answer('b', b) }
    const chosen = await select(cases, { signal })
    if (chosen.case === 'a' || chosen.case === 'b') results.set(chosen.case, chosen.value!)
    else asked.add(chosen.case === 'askA' ? 'a' : 'b')
  }
  return [results.get('a')!, results.get('b')!]
}

function constant(make: Make, first: readonly Rational[], then: Rational): Series {
  return make(async function* () {
    yield* first
    for (;;) yield then
  })
}

function add(make: Make, a: Series, b: Series): Series {
  return make(async function* (signal) {
    for (;;) yield plus(...(await get2(a, b, signal)))
  })
}

function scale(make: Make, factor: Rational, a: Series): Series {
  return make(async function* (signal) {
    for (;;) yield times(factor, await get(a, signal))
  })
}

function shift(make: Make, a: Series): Series {
  return make(async function* (signal) {
    yield zero
    for (;;) yield await get(a, signal)
  })
}

function derive(make: Make, a: Series): Series {
  return make(async function* (signal) {
    await get(a, signal)
    for (let n = 1n; ; n++) yield times(rational(n), await get(a, signal))
  })
}

function integrate(make: Make, first: Rational, a: Series): Series {
  return make(async function* (signal) {
    yield first
    for (let n = 1n; ; n++) yield times(rational(1n, n), await get(a, signal))
  })
}

/** Two series with the same coefficients, each at its own pace. */
function split(make: Make, a: Series): [Series, Series] {
  const kept: Promise<Rational>[] = []
  const half = (): Series =>
    make(async function* (signal) {
      for (let i = 0; ; i++) yield await (kept[i] ??= get(a, signal))
    })
  return [half(), half()]
}

/** (a + x A)(b + x B) = a b + x (a B + b A + x A B) */
function multiply(make: Make, a: Series, b: Series): Series {
  return make(async function* (signal) {
    const [a0, b0] = await get2(a, b, signal)
    yield times(a0, b0)
    const [[a1, a2], [b1, b2]] = [split(make, a), split(make, b)]
    const crossed = add(make, scale(make, a0, b1), scale(make, b0, a1))
    const rest = add(make, crossed, shift(make, multiply(make, a2, b2)))
    for (;;) yield await get(rest, signal)
  })
}

/** E = exp(A) solves E = 1 + integral of E A': it consumes its own coefficients. */
function exp(make: Make, a: Series): Series {
  const own = make(async function* (signal) {
    for (;;) yield await get(integral, signal)
  })
  const [result, feedback] = split(make, own)
  const integral = integrate(make, one, multiply(make, feedback, derive(make, a)))
  return result
}

async function take(a: Series, n: number): Promise<string[]> {
  const { signal } = new AbortController()
  const coefficients: string[] = []
  for (const _ of upTo(n)) {
    const { over, under } = await get(a, signal)
    coefficients.push(under === 1n ? String(over) : `${over}/${under}`)
  }
  return coefficients
}

/** In a simulation, where each coefficient takes many steps, only the first three. */
async function expectSeries(a: Series, coefficients: readonly string[]): Promise<void> {
  const n = Math.min(sized(Infinity, 3), coefficients.length)
  expect(await take(a, n)).toEqual(coefficients.slice(0, n))
}

everySchedule('GO-065 demand-driven channels and split deliver exact coefficients', async () => {
  await using scope = new Scope()
  const make = makeIn(scope)
  const ones = (): Series => constant(make, [], one)
  await expectSeries(add(make, ones(), ones()), ['2', '2', '2', '2', '2'])
  await expectSeries(multiply(make, ones(), ones()), ['1', '2', '3', '4', '5', '6', '7', '8'])
  await expectSeries(derive(make, multiply(make, ones(), ones())), ['2', '6', '12', '20'])
  const [fast, slow] = split(make, integrate(make, zero, ones()))
  expect(await take(fast, 5)).toEqual(['0', '1', '1/2', '1/3', '1/4'])
  expect(await take(slow, 3)).toEqual(['0', '1', '1/2'])
  expect(await take(fast, 1)).toEqual(['1/5'])
})

everySchedule('GO-066 a series that consumes its own output delivers exact coefficients', async () => {
  await using scope = new Scope()
  const make = makeIn(scope)
  const x = constant(make, [zero, one], zero)
  await expectSeries(exp(make, x), ['1', '1', '1/2', '1/6', '1/24', '1/120', '1/720', '1/5040'])
  // The coefficients of exp(x / (1 - x)).
  const argument = constant(make, [zero], one)
  await expectSeries(exp(make, argument), ['1', '1', '3/2', '13/6', '73/24', '167/40', '4051/720'])
})
