import { MillraceError } from '../errors/errors.ts'
import { isThenable, refusePromise, type NotAPromise } from '../errors/synchronous.ts'
import { carriedHeaders, noHeaders, type RecordHeaders } from '../record/headers.ts'
import type { EventTime } from '../record/time.ts'
import { kindOf } from '../errors/value-path.ts'
import { padding, paddingValues } from './framed.ts'
import type { Receiver } from './receiver.ts'

/** A stateless step of a chain. */
export type Step =
  | { readonly kind: 'map'; readonly apply: (value: unknown) => unknown }
  | { readonly kind: 'filter'; readonly apply: (value: unknown) => boolean }
  | { readonly kind: 'flatMap'; readonly apply: (value: unknown) => Iterable<unknown> }
  | { readonly kind: 'tap'; readonly apply: (value: unknown) => NotAPromise }
  | { readonly kind: 'mapWithHeaders'; readonly apply: (value: unknown, headers: RecordHeaders) => unknown }
  | {
      readonly kind: 'withHeaders'
      readonly apply: (value: unknown, headers: RecordHeaders) => RecordHeaders | undefined
    }
  | { readonly kind: 'pass' }

/** A step, and what to do with a record on which its function throws. */
export interface GuardedStep {
  readonly step: Step
  /**
   * Called with the error and the record at the step; the record is skipped when this returns. Undefined: the
   * error is thrown.
   */
  readonly reject: Reject | undefined
}

type Reject = (thrown: unknown, value: unknown, time: EventTime) => void

/** Records which step was running when an error was thrown, and how many records have left steps. */
export interface StepCursor {
  step: number
  /** By step: records that it has passed on. Only steps that may pass on another number than they get are counted. */
  readonly passed: Float64Array
}

/** The headers of the current record. */
export interface HeaderPlace {
  headers: RecordHeaders | undefined
}

/** Whether a step may pass on more or fewer records than it gets. */
export function changesNumber({ step, reject }: GuardedStep): boolean {
  return step.kind === 'filter' || step.kind === 'flatMap' || (step.kind !== 'pass' && reject !== undefined)
}

type Receive = (value: unknown, time: EventTime) => void

/**
 * Fuses neighbouring steps into one function that calls the user's functions directly.
 *
 * The function is compiled from the fixed templates below: no user text becomes source text. Each gets its
 * own code, so that every call site has one callee and V8 can inline it; a shared loop would be megamorphic.
 * Where code cannot be compiled (a page with a strict content security policy), the same steps run as nested
 * closures, slower and otherwise equal.
 *
 * Invariant: `reject` receives only errors of its own step. A flatMap with `reject` has pulled all elements
 * before it emits the first, and later steps never run inside its `try`.
 */
export function fuse(
  steps: readonly GuardedStep[],
  target: Receiver,
  cursor: StepCursor,
  place: HeaderPlace,
  taps: StepTaps = noTaps,
): Receive {
  try {
    return compiled(steps, target, cursor, place, { number: ++compilations, taps })
  } catch (error) {
    if (error instanceof EvalError) return nested(steps, target, cursor, place, { taps })
    throw error
  }
}

/** Functions that see what leaves steps, by the number of the step. */
export type StepTaps = ReadonlyMap<number, Receive>

const noTaps: StepTaps = new Map()

/**
 * The same, for profiles: the function of step `n` is called by a function `stepN` at `url`, and the rest is in `receive` there.
 * Undefined where code cannot be compiled.
 */
export function fuseFramed(
  steps: readonly GuardedStep[],
  target: Receiver,
  cursor: StepCursor,
  place: HeaderPlace,
  { taps = noTaps, url = `millrace:steps/${compilations + 1}` }: FramedOptions = {},
): { readonly run: Receive; readonly url: string } | undefined {
  const number = ++compilations
  try {
    return { run: compiled(steps, target, cursor, place, { number, taps, url }), url }
  } catch (error) {
    if (error instanceof EvalError) return undefined
    throw error
  }
}

/** How steps with frames of their own are compiled. */
interface FramedOptions {
  readonly taps?: StepTaps
  /** That of an earlier compilation, which this one replaces. Default: a new one. */
  readonly url?: string | undefined
}

let compilations = 0

function compiled(
  steps: readonly GuardedStep[],
  target: Receiver,
  cursor: StepCursor,
  place: HeaderPlace,
  { number, taps, url }: { readonly number: number; readonly taps: StepTaps; readonly url?: string },
): Receive {
  const template = new Template(taps)
  for (const [i, step] of steps.entries()) template.add(step, i)
  const names = steps.map((_, i) => (url === undefined ? `f${i}` : `inner${i}`)).join(', ')
  const frames = steps.map(
    (_, i) => `const f${i} = function step${i}(v, h) { ${padding} return inner${i}(v, h) }`,
  )
  const rejects = steps.map((_, i) => `reject${i}`).join(', ')
  // The number keeps V8 from reusing the cached code of another chain, with its type feedback.
  const source = `// chain ${number}
    const [${names}] = functions
    ${url === undefined ? '' : frames.join('\n')}
    const [${rejects}] = rejects
    ${[...taps.keys()].map((i) => `const tap${i} = taps.get(${i})`).join('\n')}
    const { passed } = cursor
    return function receive(v, time) {
      ${template.text()}
    }${url === undefined ? '' : `\n//# sourceURL=${url}`}`
  const names2 = [
    'functions',
    'rejects',
    'target',
    'cursor',
    'place',
    'carriedHeaders',
    'noHeaders',
    'refusePromise',
    'refuseExpansion',
    'elementsOf',
    'padding',
    'taps',
  ]
  const functions = steps.map(({ step }) => (step.kind === 'pass' ? undefined : step.apply))
  const rejected = steps.map(({ reject }) => reject)
  // oxlint-disable-next-line typescript/no-implied-eval -- fixed templates; nothing a user wrote becomes source text
  const make = new Function(...names2, source)
  return make(
    functions,
    rejected,
    target,
    cursor,
    place,
    carriedHeaders,
    noHeaders,
    refusePromise,
    refuseExpansion,
    elementsOf,
    paddingValues,
    taps,
  ) as Receive
}

/** Builds the source of one fused function. */
class Template {
  readonly #opening: string[] = []
  readonly #closing: string[] = []
  /** The variable with the input of the next step. */
  #value = 'v'
  /** The block to leave when a record is skipped: the whole function, or the body of the innermost loop. */
  #block = 'record'
  readonly #taps: StepTaps

  constructor(taps: StepTaps) {
    this.#taps = taps
  }

  add(step: GuardedStep, index: number): void {
    this.#call(step, index)
    if (this.#taps.has(index)) this.#opening.push(`tap${index}(${this.#value}, time)`)
  }

  #call({ step, reject }: GuardedStep, index: number): void {
    if (step.kind === 'pass') return
    const result = `r${index}`
    const call = `f${index}(${this.#value}${readsHeaders(step) ? ', place.headers ?? noHeaders' : ''})`
    this.#opening.push(`cursor.step = ${index}`)
    if (reject === undefined) {
      this.#opening.push(
        `${step.kind === 'withHeaders' ? 'let' : 'const'} ${result} = ${call}`,
        checkOf(step, result),
      )
    } else {
      const keep = step.kind === 'flatMap' ? `${result} = elementsOf(${result})` : ''
      this.#opening.push(
        `let ${result}`,
        `try { ${result} = ${call}; ${checkOf(step, result)}; ${keep} }`,
        `catch (thrown) { reject${index}(thrown, ${this.#value}, time); break ${this.#block} }`,
      )
    }
    if (step.kind === 'map' || step.kind === 'mapWithHeaders') this.#value = result
    else if (step.kind === 'withHeaders') this.#carry(index)
    else if (step.kind === 'filter') this.#opening.push(`if (!${result}) break ${this.#block}`)
    else if (step.kind === 'flatMap') this.#loop(index)
    if (changesNumber({ step, reject })) this.#opening.push(`passed[${index}]++`)
  }

  text(): string {
    return `record: {
      ${this.#opening.join('\n')}
      target.receive(${this.#value}, time)
      ${this.#closing.toReversed().join('\n')}
    }`
  }

  /** What follows runs with other headers, in a block of its own: the record before it may have more elements. */
  #carry(index: number): void {
    this.#block = `body${index}`
    this.#opening.push(`const h${index} = place.headers; place.headers = r${index}; ${this.#block}: {`)
    this.#closing.push(`} place.headers = h${index}`)
  }

  #loop(index: number): void {
    const element = `e${index}`
    this.#value = element
    this.#block = `body${index}`
    this.#opening.push(`for (const ${element} of r${index}) { ${this.#block}: { ${promiseCheck(element)}`)
    // The iterator of this step pulls the next element, so its errors belong to this step.
    this.#closing.push(`} cursor.step = ${index} }`)
  }
}

/** Inlined, not called: each place then has its own type feedback. */
function promiseCheck(name: string): string {
  return `if (typeof ${name} === 'object' && ${name} !== null && typeof ${name}.then === 'function') refusePromise(${name})`
}

function checkOf(step: Step, result: string): string {
  if (step.kind === 'withHeaders') return `${promiseCheck(result)}; ${result} = carriedHeaders(${result})`
  if (step.kind !== 'flatMap') return promiseCheck(result)
  return `if (${result} == null || typeof ${result}[Symbol.iterator] !== 'function') refuseExpansion(${result})`
}

function readsHeaders({ kind }: Step): boolean {
  return kind === 'withHeaders' || kind === 'mapWithHeaders'
}

/** A flatMap that skips failed records must not emit part of a record's results. */
function elementsOf(results: Iterable<unknown>): readonly unknown[] {
  const elements = Array.from(results)
  for (const element of elements) checked(element)
  return elements
}

function checked<T>(result: T): T {
  if (isThenable(result)) refusePromise(result)
  return result
}

function refuseExpansion(returned: unknown): never {
  if (isThenable(returned)) refusePromise(returned)
  if (typeof returned === 'object' && returned !== null && Symbol.asyncIterator in returned) {
    throw new MillraceError(
      'ASYNC_FUNCTION',
      'its function returned an async iterable, and operators do not wait; collect the elements in mapAsync and expand them after it',
    )
  }
  throw new MillraceError(
    'OPERATOR_FAILED',
    `its function returned ${kindOf(returned)}; flatMap needs an array or another iterable`,
  )
}

/** The same without compiling. `around` wraps the function of each step, for traces. */
export function nested(
  steps: readonly GuardedStep[],
  target: Receiver,
  cursor: StepCursor,
  place: HeaderPlace,
  {
    around = (receive) => receive,
    taps = noTaps,
  }: {
    readonly around?: (receive: Receive, step: number) => Receive
    readonly taps?: StepTaps
  } = {},
): Receive {
  let next: Receive = (value, time) => target.receive(value, time)
  for (let i = steps.length - 1; i >= 0; i--) {
    const tap = taps.get(i)
    if (tap !== undefined) next = both(tap, next)
    if (steps[i]!.step.kind !== 'pass') next = around(wrap(steps[i]!, i, next, { cursor, place }), i)
  }
  return next
}

function both(first: Receive, second: Receive): Receive {
  return (value, time) => {
    first(value, time)
    second(value, time)
  }
}

function wrap(
  { step, reject }: GuardedStep,
  index: number,
  next: Receive,
  { cursor, place }: { readonly cursor: StepCursor; readonly place: HeaderPlace },
): Receive {
  const run = outcomeOf(step as Exclude<Step, { kind: 'pass' }>, reject !== undefined, place)
  return (value, time) => {
    cursor.step = index
    let results: Iterable<unknown>
    const { headers } = place
    try {
      results = run(value)
    } catch (thrown) {
      if (reject === undefined) throw thrown
      reject(thrown, value, time)
      return
    }
    for (const result of results) {
      cursor.passed[index]!++
      next(result, time)
      cursor.step = index
    }
    place.headers = headers
  }
}

/** A step as a function from a value to the next step. */
function outcomeOf(
  step: Exclude<Step, { kind: 'pass' }>,
  isGuarded: boolean,
  place: HeaderPlace,
): (value: unknown) => Iterable<unknown> {
  switch (step.kind) {
    case 'map':
      return (value) => [checked(step.apply(value))]
    case 'filter':
      return (value) => (checked(step.apply(value)) ? [value] : [])
    case 'mapWithHeaders':
      return (value) => [checked(step.apply(value, place.headers ?? noHeaders))]
    case 'withHeaders':
      return (value) => {
        place.headers = carriedHeaders(checked(step.apply(value, place.headers ?? noHeaders)))
        return [value]
      }
    case 'tap':
      return (value) => {
        checked(step.apply(value))
        return [value]
      }
    case 'flatMap':
      return (value) => {
        const results = step.apply(value)
        if (typeof (results as Iterable<unknown> | undefined)?.[Symbol.iterator] !== 'function') {
          refuseExpansion(results)
        }
        return isGuarded ? elementsOf(results) : checkedEach(results)
      }
  }
}

function* checkedEach(results: Iterable<unknown>): Iterable<unknown> {
  for (const result of results) yield checked(result)
}
