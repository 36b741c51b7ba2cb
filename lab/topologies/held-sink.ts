/** Compares the content of a sink with the oracle's expectation. */
import { describeValue } from '@millrace/core'
import type { Invariant, RunFacts } from '@millrace/simulator'
import type { Gathered } from './gathering.ts'
import type { Item } from './item.ts'
import { figuresIn } from './known-gathering.ts'
import { textOf } from './known-stream.ts'
import type { Prediction, KnownLetter } from './oracle.ts'
import {
  goesByClock,
  hasOneSplit,
  inputsOf,
  isLast,
  lettersName,
  type Guarantee,
  type LastPart,
  type Part,
  type Topology,
} from './topology.ts'

/** The deviations that a sink's guarantee and the outcome of the run allow. */
interface Leave {
  readonly mayMiss: boolean
  readonly mayRepeat: boolean
}

const none: Leave = { mayMiss: false, mayRepeat: false }

/** The differences between the sinks of a run without faults and the expectation. */
export function differencesOf(
  { records, figures }: Prediction,
  outputs: Readonly<Record<string, readonly unknown[]>>,
): readonly string[] {
  const differences = [
    ...Array.from(records, ([sink, values]) => recordsDiffer(sink, values, outputs[sink] ?? [], none)),
    ...Array.from(figures, ([sink, { texts, isAll }]) =>
      compare(sink, texts, figuresIn(outputs[sink] ?? []), { ...none, mayMiss: !isAll }),
    ),
  ]
  return differences.filter((difference) => difference !== undefined)
}

/**
 * The expectation for sinks behind an operator that depends on the clock. The simulator does not compare them
 * between runs, because their contents differ, but the oracle knows which figures they must contain.
 */
export function clockInvariant(topology: Topology, { records, figures }: Prediction): Invariant {
  const decided = decidedByClock(topology)
  const timed = timedSinks(topology)
  const guarantees = new Map<string, Guarantee>([[lettersName, topology.letters]])
  for (const { name, guarantee } of topology.sinks) guarantees.set(name, guarantee)
  return function whatGoesByTheClock(outputs, run) {
    if (run.hasLost) return
    const hasEndedEarly = run.faults.some(({ kind }) => kind === 'drain' || kind === 'grow')
    for (const [sink, guarantee] of guarantees) {
      const values = outputs[sink] ?? []
      const leave = leaveOf(guarantee, run)
      const known = records.get(sink)
      const gathered = figures.get(sink)
      let difference: string | undefined
      if (!decided.has(sink) || (hasEndedEarly && timed.has(sink))) continue
      if (known !== undefined) difference = recordsDiffer(sink, known, values, leave)
      else if (gathered !== undefined) {
        const { texts, isAll } = gathered
        const mayMiss = leave.mayMiss || !isAll
        difference =
          compare(sink, texts, figuresIn(values), { ...leave, mayMiss }) ?? overdue(sink, values, run)
      }
      if (difference !== undefined) throw new Error(difference)
    }
  }
}

/**
 * What must hold of the sinks behind streams that meet, and of sessions, in every run: their contents depend on the data
 * alone, in whatever order records come. Not so if it goes by the clock which records are late: where a split is found late,
 * or where streams that fall idle meet on several ways.
 */
export function meetingInvariant(topology: Topology, { records }: Prediction): Invariant {
  const { tangled } = tangleOf(topology)
  const isAlone = hasOneSplit(topology)
  const restless = restlessParts(topology)
  const sinks = topology.sinks.filter(({ name, from }) => {
    const part = topology.parts.find((each) => each.name === from.node)
    return (
      part !== undefined &&
      isLast(part) &&
      records.has(name) &&
      !tangled.has(part.name) &&
      !restless.has(part.name)
    )
  })
  return function whatMeets(outputs, run) {
    const isDecided = run.faults.every(
      ({ kind }) => kind !== 'drain' && kind !== 'grow' && (isAlone || kind !== 'lateSplits'),
    )
    if (run.hasLost || !isDecided) return
    for (const { name, guarantee } of sinks) {
      const difference = recordsDiffer(name, records.get(name)!, outputs[name] ?? [], leaveOf(guarantee, run))
      if (difference !== undefined) throw new Error(difference)
    }
  }
}

/**
 * What must hold of the watermark at each record of one split in every run, also where a run has read a part of the input to its
 * end: what a generator of watermarks keeps is restored then, and the end raises no watermark.
 */
export function watermarkInvariant(topology: Topology, { records }: Prediction): Invariant {
  const shows = topology.parts.filter((part) => part.kind === 'states' && part.how.kind === 'watermark')
  const sinks = topology.sinks.filter(
    ({ name, from }) => records.has(name) && shows.some((part) => part.name === from.node),
  )
  return function watermarksAtRecords(outputs, run) {
    if (run.hasLost) return
    for (const { name, guarantee } of sinks) {
      const difference = recordsDiffer(name, records.get(name)!, outputs[name] ?? [], leaveOf(guarantee, run))
      if (difference !== undefined) throw new Error(difference)
    }
  }
}

/**
 * The parts with sinks of their own of which it goes by the clock which records are late: a source may fall idle, and its
 * records come on several ways, be it that splits or streams mix before the part, or that it reads two streams.
 */
function restlessParts(topology: Topology): ReadonlySet<string> {
  if (topology.sources.every(({ idleAfterMs }) => idleAfterMs === undefined)) return new Set()
  const { mixing } = tangleOf(topology)
  const isAlone = hasOneSplit(topology)
  const restless = topology.parts.filter(
    (part) =>
      isLast(part) && (!isAlone || meets(part) || inputsOf(part).some(({ node }) => mixing.has(node))),
  )
  return new Set(restless.map(({ name }) => name))
}

/** Whether a part reads two streams, be it one stream twice. */
function meets(part: LastPart): boolean {
  if (part.kind === 'table' || part.kind === 'living') return pairing.has(part.how.kind)
  return inputsOf(part).length > 1
}

const pairing: ReadonlySet<string> = new Set(['byKey', 'byForeignKey', 'enrich'])

function leaveOf(guarantee: Guarantee, { hasFallenBack }: RunFacts): Leave {
  return {
    mayMiss: guarantee === 'at-most-once',
    mayRepeat: guarantee === 'at-least-once' || hasFallenBack,
  }
}

/**
 * The sinks behind operators that depend on the clock, unless it decides which records are late, or the interleaving of
 * records matters on the way: then the oracle knows only the result at a parallelism of 1.
 */
function decidedByClock(topology: Topology): ReadonlySet<string> {
  const { byClock, tangled } = tangleOf(topology)
  const restless = restlessParts(topology)
  const names = new Set<string>()
  for (const { name, from } of topology.sinks) {
    const { node } = from
    if (byClock.has(node) && !tangled.has(node) && !restless.has(node)) names.add(name)
  }
  // Every operator may send dead letters.
  if (byClock.size > 0 && tangled.size === 0) names.add(lettersName)
  return names
}

/** The parts with sinks of their own whose results depend on the order of the records of a key, or on which of them are late. */
const ordered: ReadonlySet<Part['kind']> = new Set(['expiry', 'states', 'living', 'stages', 'summary'])

/**
 * The parts behind operators that go by the clock, those behind which records of several lines mix, and those whose results
 * depend on how they meet.
 */
function tangleOf({ parts }: Topology): {
  readonly byClock: ReadonlySet<string>
  readonly mixing: ReadonlySet<string>
  readonly tangled: ReadonlySet<string>
} {
  const byClock = new Set<string>()
  const mixing = new Set<string>()
  const tangled = new Set<string>()
  for (const part of parts) {
    const inputs = inputsOf(part)
    const isBehind = (names: ReadonlySet<string>): boolean => inputs.some(({ node }) => names.has(node))
    const isKeyed = 'by' in part && part.by !== undefined
    // Collecting figures, or making a call for each record, does not depend on their order.
    const isFree = part.kind === 'mapAsync' || (isLast(part) && !ordered.has(part.kind)) || goesByClock(part)
    const mindsOrder = isKeyed && !isFree
    if (goesByClock(part) || isBehind(byClock)) byClock.add(part.name)
    if ((mindsOrder && isBehind(mixing)) || isBehind(tangled)) tangled.add(part.name)
    if (isKeyed || part.kind === 'union' || part.kind === 'mapAsync' || isBehind(mixing))
      mixing.add(part.name)
  }
  return { byClock, mixing, tangled }
}

/** The sinks behind operators that wait for event time: their content depends on where a run ends. */
function timedSinks({ parts, sinks }: Topology): ReadonlySet<string> {
  const waiting = new Set<string>()
  for (const part of parts) {
    const inputs = inputsOf(part)
    const isWaiting =
      part.kind === 'window' ||
      isLast(part) ||
      (part.kind === 'process' && !['none', 'clock'].includes(part.program.timers))
    if (isWaiting || inputs.some(({ node }) => waiting.has(node))) waiting.add(part.name)
  }
  const names = new Set(sinks.filter(({ from }) => waiting.has(from.node)).map(({ name }) => name))
  if (waiting.size > 0) names.add(lettersName)
  return names
}

/** What delays a processing timer, or a task with one. */
const delaying: ReadonlySet<string> = new Set([
  'clockJump',
  'zombie',
  'slowSink',
  'slowCalls',
  'diskFull',
  'drain',
  'grow',
])

function overdue(sink: string, values: readonly unknown[], { faults }: RunFacts): string | undefined {
  if (faults.some(({ kind }) => delaying.has(kind))) return undefined
  const late = (values as readonly Gathered[]).filter(({ isOverdue }) => isOverdue)
  if (late.length === 0) return undefined
  return `the oracle expects that processing timers fire before sink '${sink}' gets the rest; ${shown(late.map(textOf))} should have been emitted earlier`
}

function recordsDiffer(
  sink: string,
  expected: readonly unknown[],
  actual: readonly unknown[],
  leave: Leave,
): string | undefined {
  return sink === lettersName
    ? compare(
        sink,
        (expected as KnownLetter[]).map(expectedText),
        (actual as Letter[]).map(letterText),
        leave,
      )
    : compare(sink, expected.map(textOf), actual.map(textOf), leave)
}

/** The difference between a sink and the expectation; undefined if there is none. */
function compare(
  sink: string,
  expected: readonly string[],
  actual: readonly string[],
  { mayMiss, mayRepeat }: Leave,
): string | undefined {
  const left = new Map<string, number>()
  for (const text of expected) left.set(text, (left.get(text) ?? 0) + 1)
  const beside: string[] = []
  for (const text of actual) {
    const count = left.get(text)
    if (count !== undefined && count > 0) left.set(text, count - 1)
    else if (count === undefined || !mayRepeat) beside.push(text)
  }
  const missing = mayMiss
    ? []
    : Array.from(left).flatMap(([text, count]) => Array.from({ length: count }, () => text))
  if (missing.length === 0 && beside.length === 0) return undefined
  return `the oracle expects ${expected.length} records for sink '${sink}'; ${shown(missing)} are missing and ${shown(beside)} are unexpected`
}

const shownMax = 3

function shown(all: readonly string[]): string {
  return `${all.length} (${all.slice(0, shownMax).join(', ')})`
}

/** A dead letter, reduced to the parts that the data determine. */
interface Letter {
  readonly operator: string
  readonly value: string | null
}

function expectedText({ operator, item }: KnownLetter): string {
  return `${operator}: ${item === undefined ? 'bytes' : describeValue(item, longest)}`
}

/** The simulator's dead letters contain records in its own boxes. */
function letterText({ operator, value }: Letter): string {
  const box = value === null ? undefined : (JSON.parse(value) as { readonly value: Item })
  return `${operator}: ${box === undefined ? 'bytes' : describeValue(box.value, longest)}`
}

const longest = 100_000
