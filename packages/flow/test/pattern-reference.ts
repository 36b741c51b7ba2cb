/**
 * What a pattern means, by trying everything: the pattern is expanded into all its scripts (sequences of steps without
 * loops), and each script is tried on all events. Slow, and independent of the engine.
 */

/** An event: its letter, a figure, and its time. */
export interface Sign {
  readonly id: number
  readonly letter: string
  readonly figure: number
  readonly at: number
}

type How = 'strict' | 'relaxed' | 'any'

/** A part of a drawn pattern. */
export type Part =
  | { readonly kind: 'not'; readonly letter: string; readonly isNext: boolean }
  | {
      readonly kind: 'stage'
      readonly name: string
      readonly letters: string
      /** Whether each event of the stage has a larger figure than the one before. */
      readonly isRising: boolean
      readonly until: string | undefined
      readonly isGreedy: boolean
      readonly how: How
      readonly times: Times
    }
  | { readonly kind: 'group'; readonly parts: readonly Part[]; readonly how: How; readonly times: Times }

export type StagePart = Part & { readonly kind: 'stage' }

/** How often: undefined means once. */
export interface Times {
  readonly loop: { readonly min: number; readonly max: number; readonly inner: How } | undefined
  readonly isOptional: boolean
}

interface Passed {
  readonly nots: string
  readonly notNexts: string
  /** Greedy stages that are left. */
  readonly left: readonly string[]
}

interface Step extends Passed {
  readonly stage: StagePart
  readonly how: How
  /** Whether it repeats the stage: then its `until` counts. */
  readonly isRepeat: boolean
}

interface Script {
  readonly steps: readonly Step[]
  readonly end: Passed
}

const nothing: Passed = { nots: '', notNexts: '', left: [] }
const both = (a: Passed, b: Passed): Passed => ({
  nots: a.nots + b.nots,
  notNexts: a.notNexts + b.notNexts,
  left: [...a.left, ...b.left],
})

const join = (a: Script, b: Script): Script => {
  const [first, ...rest] = b.steps
  if (first === undefined) return { steps: a.steps, end: both(a.end, b.end) }
  return { steps: [...a.steps, { ...first, ...both(a.end, first) }, ...rest], end: b.end }
}

/** How many events there are at most from one on within a time: no match has more. */
export function mostWithin(events: readonly Sign[], within: number): number {
  const counts = events.map(({ at }, from) => {
    const end = events.findIndex((event, index) => index > from && event.at >= at + within)
    return (end === -1 ? events.length : end) - from
  })
  return Math.max(0, ...counts)
}

/** Longer scripts than a match can have events are cut: nothing gets to their ends. */
const cut = ({ steps, end }: Script, most: number): Script => ({ steps: steps.slice(0, most), end })

/** All scripts, with their first `most` steps. */
function scriptsOf(parts: readonly Part[], most: number, head?: How): readonly Script[] {
  let scripts: readonly Script[] = [{ steps: [], end: nothing }]
  for (const [index, part] of parts.entries()) {
    const next = expand(part, most, (index === 0 ? head : undefined) ?? ('how' in part ? part.how : 'any'))
    scripts = distinct(scripts.flatMap((a) => next.map((b) => cut(join(a, b), most))))
  }
  return scripts
}

function expand(part: Part, most: number, how: How): readonly Script[] {
  if (part.kind === 'not') {
    return [{ steps: [], end: { ...nothing, [part.isNext ? 'notNexts' : 'nots']: part.letter } }]
  }
  const { loop = { min: 1, max: 1, inner: 'relaxed' as const }, isOptional } = part.times
  const left = part.kind === 'stage' && part.isGreedy ? { ...nothing, left: [part.name] } : nothing
  const results: Script[] = isOptional ? [{ steps: [], end: left }] : []
  let scripts: readonly Script[] = [{ steps: [], end: nothing }]
  for (let count = 1; count <= Math.min(loop.max, Math.max(most, loop.min)); count++) {
    const once =
      part.kind === 'group'
        ? scriptsOf(part.parts, most, count === 1 ? how : loop.inner)
        : [
            {
              steps: [{ ...nothing, stage: part, how: count === 1 ? how : loop.inner, isRepeat: count > 1 }],
              end: nothing,
            },
          ]
    scripts = distinct(scripts.flatMap((a) => once.map((b) => cut(join(a, b), most))))
    if (count >= loop.min) results.push(...scripts.map(({ steps, end }) => ({ steps, end: both(end, left) })))
  }
  return results
}

/** Each once. Loops inside of loops expand to thousands of equal scripts, once they are cut. */
function distinct<T>(values: readonly T[]): readonly T[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()]
}

/** The events of a match, with their stages. */
export type Path = readonly { readonly stage: string; readonly event: number }[]

interface Outcome {
  readonly matches: readonly { readonly path: Path; readonly at: number }[]
  readonly timedOut: readonly { readonly path: Path; readonly at: number }[]
}

/** Which starts are skipped after a match: all below this. */
export type SkipTo = (path: Path) => number

/** Where to look for more matches after one. */
export type AfterMatch =
  | 'noSkip'
  | 'toNext'
  | 'pastLast'
  | { readonly toFirst: string }
  | { readonly toLast: string }

/** What a strategy skips; undefined: nothing. */
export function skipToOf(afterMatch: AfterMatch): SkipTo | undefined {
  if (afterMatch === 'noSkip') return undefined
  return (path) => {
    if (afterMatch === 'toNext') return path[0]!.event + 1
    if (afterMatch === 'pastLast') return path.at(-1)!.event + 1
    return 'toFirst' in afterMatch
      ? (eventsOf(path, afterMatch.toFirst)[0] ?? 0)
      : (eventsOf(path, afterMatch.toLast).at(-1) ?? 0)
  }
}

/** The names of all stages, in order. */
export function stageNames(parts: readonly Part[]): readonly string[] {
  return parts.flatMap((part) =>
    part.kind === 'stage' ? [part.name] : part.kind === 'group' ? stageNames(part.parts) : [],
  )
}

/** The events of a stage, by their numbers. */
export function eventsOf(path: Path, name: string): readonly number[] {
  return path.filter(({ stage }) => stage === name).map(({ event }) => event)
}

/** The matches and timed-out partial matches of the events of one key, which are in order. */
export function reference(
  parts: readonly Part[],
  events: readonly Sign[],
  within: number,
  skipTo: SkipTo | undefined,
): Outcome {
  return new Reference(parts, events, within).run(skipTo)
}

/** A beginning of a match, and what happens to it. */
interface Beginning {
  readonly path: Path
  /** After which event the match is complete; the number of events: when its time is over; undefined: never. */
  readonly completeAt: number | undefined
  /** The last event after which it can still continue; -1: none. */
  readonly aliveUntil: number
}

class Reference {
  readonly #events: readonly Sign[]
  readonly #within: number
  readonly #scripts: readonly Script[]
  readonly #order: readonly string[]
  readonly #beginnings: Beginning[] = []

  constructor(parts: readonly Part[], events: readonly Sign[], within: number) {
    this.#events = events
    this.#within = within
    this.#scripts = distinct(scriptsOf(parts, mostWithin(events, within) + 1))
    this.#order = stageNames(parts)
    this.#explore([], this.#scripts)
  }

  /** All beginnings with this path; `scripts` are those that begin with its stages. */
  #explore(path: Path, scripts: readonly Script[]): void {
    const start = path[0]?.event
    const last = path.at(-1)?.event ?? -1
    const limit = this.#events.findIndex(
      ({ at }, k) => start !== undefined && k > last && at >= this.#events[start]!.at + this.#within,
    )
    const end = limit === -1 ? this.#events.length : limit
    const steps = this.#stepsAfter(path, scripts)
    if (path.length > 0) this.#beginnings.push(this.#beginning(path, scripts, steps, end))
    const taken = new Set<string>()
    for (let k = last + 1; k < end; k++) {
      for (const step of steps) {
        if (this.#fate(path, step, steps, k) !== 'take') continue
        const next = { stage: step.stage.name, event: k }
        if (taken.has(`${next.stage} ${k}`)) continue
        taken.add(`${next.stage} ${k}`)
        const same = scripts.filter((script) => script.steps[path.length]?.stage.name === next.stage)
        this.#explore(
          [...path, next],
          same.filter((script) => this.#fate(path, script.steps[path.length]!, steps, k) === 'take'),
        )
      }
    }
  }

  #stepsAfter(path: Path, scripts: readonly Script[]): readonly Step[] {
    return distinct(scripts.flatMap(({ steps }) => steps[path.length] ?? []))
  }

  #beginning(path: Path, scripts: readonly Script[], steps: readonly Step[], end: number): Beginning {
    const last = path.at(-1)!.event
    const ends = scripts.filter((script) => script.steps.length === path.length).map((script) => script.end)
    let completeAt: number | undefined
    let aliveUntil = -1
    for (let k = last; k < end && completeAt === undefined; k++) {
      if (ends.some((passed) => this.#endFate(path, passed, steps, k) === 'complete')) completeAt = k
    }
    const isOpen = (passed: Passed, k: number): boolean => this.#endFate(path, passed, steps, k) !== 'dead'
    for (let k = last; k < end; k++) {
      const isAlive =
        steps.some((step) => this.#isAlive(path, step, steps, k)) ||
        ((completeAt === undefined || k < completeAt) && ends.some((passed) => isOpen(passed, k)))
      if (isAlive) aliveUntil = k
    }
    const isWhole = Number.isFinite(this.#within) && completeAt === undefined && aliveUntil === end - 1
    const inTime = ends.some(
      (passed) => isOpen(passed, end - 1) && (end - 1 > last || passed.notNexts === ''),
    )
    return { path, completeAt: isWhole && inTime ? this.#events.length : completeAt, aliveUntil }
  }

  /** Whether an end is reached after event `k`, or still may be. */
  #endFate(path: Path, passed: Passed, steps: readonly Step[], k: number): 'complete' | 'open' | 'dead' {
    const last = path.at(-1)!.event
    for (let m = last + 1; m <= k; m++) if (this.#isDead(path, passed, steps, m)) return 'dead'
    if (passed.nots !== '' || (k === last && passed.notNexts !== '')) return 'open'
    return this.#loops(passed, steps).some((loop) => this.#isAlive(path, loop, steps, k))
      ? 'open'
      : 'complete'
  }

  #loops({ left }: Passed, steps: readonly Step[]): readonly Step[] {
    return steps.filter((loop) => left.includes(loop.stage.name) && !loop.left.includes(loop.stage.name))
  }

  /** Whether an event rules out this continuation. */
  #isDead(path: Path, passed: Passed, steps: readonly Step[], k: number): boolean {
    const last = path.at(-1)?.event ?? k - 1
    const { letter } = this.#events[k]!
    if (passed.nots.includes(letter) || (k === last + 1 && passed.notNexts.includes(letter))) return true
    return this.#loops(passed, steps).some((loop) => this.#fate(path, loop, steps, k) === 'take')
  }

  /** What event `k` is for a step after a path. */
  #fate(path: Path, step: Step, steps: readonly Step[], k: number): 'take' | 'wait' | 'dead' {
    const first = path.length === 0 ? k : path.at(-1)!.event + 1
    for (let m = first; m <= k; m++) {
      if (this.#isDead(path, step, steps, m)) return 'dead'
      const { letter } = this.#events[m]!
      if (step.isRepeat && step.stage.until === letter) return 'dead'
      const isTaken = this.#meets(path, step.stage, m)
      if (m === k && isTaken) return 'take'
      if (step.how === 'strict' || (step.how === 'relaxed' && isTaken)) return 'dead'
    }
    return 'wait'
  }

  /** Whether a step may still be taken after event `k`. */
  #isAlive(path: Path, step: Step, steps: readonly Step[], k: number): boolean {
    if (k === path.at(-1)!.event) return true
    const fate = this.#fate(path, step, steps, k)
    return fate === 'wait' || (fate === 'take' && step.how === 'any')
  }

  #meets(path: Path, stage: StagePart, k: number): boolean {
    const { letter, figure } = this.#events[k]!
    if (!stage.letters.includes(letter) || stage.until === letter) return false
    const before = path.findLast((one) => one.stage === stage.name)
    return !stage.isRising || before === undefined || figure > this.#events[before.event]!.figure
  }

  /** Lets time pass, event by event. */
  run(skipTo: SkipTo | undefined): Outcome {
    const events = this.#events
    const matches: { path: Path; at: number }[] = []
    const timedOut: { path: Path; at: number }[] = []
    let waiting: Beginning[] = []
    let floor = 0
    const all = this.#beginnings.toSorted((a, b) => this.#compare(a.path, b.path))
    const startOf = ({ path }: Beginning): number => path[0]!.event
    const overOf = (beginning: Beginning): number => events[startOf(beginning)]!.at + this.#within
    const complete = (
      found: readonly Beginning[],
      at: number,
      isAlive: (each: Beginning) => boolean,
    ): void => {
      const valid = found.filter((each) => startOf(each) >= floor)
      if (skipTo === undefined) {
        matches.push(...valid.map(({ path }) => ({ path, at })))
        return
      }
      waiting = [...waiting, ...valid].toSorted((a, b) => startOf(a) - startOf(b))
      for (;;) {
        waiting = waiting.filter((each) => startOf(each) >= floor)
        const alive = all.filter((each) => isAlive(each) && startOf(each) >= floor).map(startOf)
        if (waiting.length === 0 || Math.min(...alive) < startOf(waiting[0]!)) return
        const { path } = waiting.shift()!
        matches.push({ path, at })
        floor = Math.max(floor, skipTo(path))
      }
    }
    const overs = [...new Set(all.map(overOf))].filter(Number.isFinite).toSorted((a, b) => a - b)
    const expire = (until: number, done: number): void => {
      while (overs.length > 0 && overs[0]! <= until) {
        const over = overs.shift()!
        const ending = all.filter(
          (each) => overOf(each) === over && startOf(each) <= done && startOf(each) >= floor,
        )
        const lastSeen = events.filter(({ at }, k) => at < over && k <= done).length - 1
        const open = ending.filter(
          (each) => each.path.at(-1)!.event <= lastSeen && each.aliveUntil === lastSeen,
        )
        timedOut.push(
          ...open
            .filter(({ completeAt }) => completeAt === undefined)
            .map(({ path }) => ({ path, at: over })),
        )
        const found = open.filter(({ completeAt }) => completeAt === events.length)
        complete(
          found,
          over,
          (each) => each.path.at(-1)!.event <= done && each.aliveUntil >= done && overOf(each) > over,
        )
      }
    }
    for (const [k, { at }] of events.entries()) {
      expire(at, k - 1)
      complete(
        all.filter(({ completeAt }) => completeAt === k),
        at,
        (each) => each.path.at(-1)!.event <= k && each.aliveUntil >= k && overOf(each) > at,
      )
    }
    expire(Number.POSITIVE_INFINITY, events.length - 1)
    complete([], Number.NaN, () => false)
    return { matches, timedOut }
  }

  /** By events, then by stages; a beginning of another comes behind it. */
  #compare(a: Path, b: Path): number {
    for (const [index, { event, stage }] of a.entries()) {
      const other = b[index]
      if (other === undefined) return -1
      const difference = event - other.event || this.#order.indexOf(stage) - this.#order.indexOf(other.stage)
      if (difference !== 0) return difference
    }
    return a.length === b.length ? 0 : 1
  }
}
