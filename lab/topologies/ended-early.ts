/**
 * The expectation for windows if a run has ended before the input did: it was drained, or its input has grown
 * afterwards.
 *
 * The windows that were open then have fired for the records so far, and windows with later records have
 * fired again for these alone. Together the results of a window equal those of a single run; and late records
 * do not depend on where runs end.
 */
import type { Invariant } from '@millrace/simulator'
import { textOf } from './known-stream.ts'
import type { Prediction } from './oracle.ts'
import { hasOneSplit, type AggregateKind, type Part, type PartOf, type Topology } from './topology.ts'

/** How two results of one window are merged. */
const merges: Partial<Record<AggregateKind, (a: number, b: number) => number>> = {
  count: (a, b) => a + b,
  countAll: (a, b) => a + b,
  sum: (a, b) => a + b,
  min: (a, b) => Math.min(a, b),
  max: (a, b) => Math.max(a, b),
}

/** The invariant of a topology. It checks only windows of one split, after parts that do not wait. */
export function endedEarlyInvariant(topology: Topology, { records }: Prediction): Invariant {
  const windows = topology.parts.filter(
    (part): part is PartOf<'window'> => part.kind === 'window' && isAtOnce(part, topology),
  )
  const sinks = topology.sinks.flatMap(({ name, from, guarantee }) => {
    const part = windows.find((each) => each.name === from.node)
    const expected = records.get(name)
    const isExact = guarantee === 'exactly-once'
    return part === undefined || expected === undefined || !isExact ? [] : [{ name, part, from, expected }]
  })
  return function windowsOfSeveralRuns(outputs, { faults, hasLost, hasFallenBack }) {
    const hasEndedEarly = faults.some(({ kind }) => kind === 'drain' || kind === 'grow')
    if (!hasEndedEarly || hasLost || hasFallenBack) return
    for (const { name, part, from, expected } of sinks) {
      const actual = outputs[name] ?? []
      const isLate = from.output === 'late'
      if (!isLate && !isMergeable(part)) continue
      const whole = isLate ? expected.map(textOf) : mergedTexts(part, expected)
      const inParts = isLate ? actual.map(textOf) : mergedTexts(part, actual)
      const difference = differenceOf(whole, inParts)
      if (difference !== undefined)
        throw new Error(`the oracle expects for sink '${name}', whose runs have ended early, ${difference}`)
    }
  }
}

/** Whether all input of a part is available at once, in the order of one split. */
function isAtOnce(part: Part, { sources, parts }: Topology): boolean {
  if (!hasOneSplit({ sources })) return false
  const before = parts.find(({ name }) => name === part.from.node)
  if (before === undefined) return true
  const passing: ReadonlySet<Part['kind']> = new Set(['map', 'filter', 'flatMap', 'tap', 'split', 'scan'])
  return passing.has(before.kind) && isAtOnce(before, { sources, parts } as Topology)
}

function isMergeable({ aggregates, latenessMs }: PartOf<'window'>): boolean {
  return latenessMs === 0 && aggregates.every(({ kind }) => merges[kind] !== undefined)
}

interface Result {
  readonly key: unknown
  readonly window: { readonly start: number; readonly end: number }
  readonly [field: string]: unknown
}

/** The results, one for each window and key. */
function mergedTexts({ aggregates }: PartOf<'window'>, values: readonly unknown[]): readonly string[] {
  const merged = new Map<string, Record<string, unknown>>()
  for (const result of values as readonly Result[]) {
    const place = textOf({ key: result.key, window: result.window })
    const before = merged.get(place)
    const next: Record<string, unknown> = { ...result }
    if (before !== undefined) {
      for (const { field, kind } of aggregates)
        next[field] = merges[kind]!(before[field] as number, result[field] as number)
    }
    merged.set(place, next)
  }
  return Array.from(merged.values(), (each) => textOf(each))
}

function differenceOf(expected: readonly string[], actual: readonly string[]): string | undefined {
  const [whole, inParts] = [expected.toSorted(), actual.toSorted()]
  const at = whole.findIndex((text, index) => text !== inParts[index])
  if (at < 0 && whole.length === inParts.length) return undefined
  const [wanted, found] = at < 0 ? ['nothing more', inParts[whole.length]] : [whole[at], inParts[at]]
  return `${whole.length} results, and there are ${inParts.length}: expected ${wanted}, found ${found ?? 'nothing'}`
}
