import type { Sink } from '@millrace/core/connector'
import type { Finding } from './finding.ts'
import type { KeptState } from './kept-state.ts'
import type { OutputRecord } from './sim-sink.ts'

/** How strictly the contents of a sink are compared. */
export interface SinkDemand {
  readonly guarantee: Sink<unknown>['guarantee']
  /** Whether records may be missing for a reason outside the engine. */
  readonly mayMiss: boolean
  /** Whether records may occur more often than expected. */
  readonly mayRepeat: boolean
  /** Whether there may be unexpected records. */
  readonly mayDiffer: boolean
  /** Whether a paused process may have written unexpected records. */
  readonly mayDifferAfterPause: boolean
  /** Whether records of one line may arrive in any order. */
  readonly mayMix: boolean
}

const shownMax = 3

/** Compares the contents of a sink with those of a run without faults. */
export function compareSink(
  sink: string,
  expected: readonly OutputRecord[],
  actual: readonly OutputRecord[],
  demand: SinkDemand,
): readonly Finding[] {
  const left = new Map<string, number>()
  for (const { text } of expected) left.set(text, (left.get(text) ?? 0) + 1)
  const known = new Set(left.keys())
  const doubled: string[] = []
  const wrong: string[] = []
  for (const { text, isAfterPause } of actual) {
    const count = left.get(text) ?? 0
    if (count > 0) left.set(text, count - 1)
    else if (known.has(text)) doubled.push(text)
    else if (!(demand.mayDifferAfterPause && isAfterPause)) wrong.push(text)
  }
  const missing = Array.from(left).flatMap(([text, count]) => Array.from({ length: count }, () => text))
  const findings: Finding[] = []
  const find = (kind: Finding['kind'], texts: readonly string[], verb: string): void => {
    if (texts.length === 0) return
    const what = `sink '${sink}' ${verb} ${texts.length} of ${expected.length} records: ${shown(texts)}`
    findings.push({ kind, where: sink, what })
  }
  if (!demand.mayMiss) find('missing', missing, 'misses')
  if (!demand.mayRepeat) find('doubled', doubled, 'has twice or more')
  if (!demand.mayDiffer) find('wrong', wrong, 'has beside')
  const { mayMiss, mayRepeat, mayDiffer, mayMix } = demand
  if (findings.length === 0 && !mayMiss && !mayRepeat && !mayDiffer && !mayMix) {
    findings.push(...compareOrder(sink, expected, actual))
  }
  return findings
}

/** Compares the number of records in a sink with that of a run without faults, per line or as a whole. */
export function compareCounts(
  sink: string,
  countedIn: 'line' | 'sink',
  expected: readonly OutputRecord[],
  actual: readonly OutputRecord[],
  { mayMiss, mayRepeat }: Pick<SinkDemand, 'mayMiss' | 'mayRepeat'>,
): readonly Finding[] {
  const counts = new Map<string, number>()
  const count = (records: readonly OutputRecord[], by: number): void => {
    for (const { line } of records) {
      const name = countedIn === 'line' && line !== null ? line : 'the sink'
      counts.set(name, (counts.get(name) ?? 0) + by)
    }
  }
  count(expected, 1)
  count(actual, -1)
  const findings: Finding[] = []
  const find = (kind: Finding['kind'], verb: string, sign: 1 | -1): void => {
    const places = Array.from(counts, ([place, left]) => ({ place, left: left * sign })).filter(
      ({ left }) => left > 0,
    )
    if (places.length === 0) return
    const all = places.reduce((sum, { left }) => sum + left, 0)
    const texts = places.map(({ place, left }) => `${left} of ${place}`)
    const what = `sink '${sink}' ${verb} ${all} of ${expected.length} records, in whatever order they came: ${shown(texts)}`
    findings.push({ kind, where: sink, what })
  }
  if (!mayMiss) find('missing', 'misses', 1)
  if (!mayRepeat) find('doubled', 'has beside', -1)
  return findings
}

/** The records of one line (a key or a split) must arrive in order. */
function compareOrder(
  sink: string,
  expected: readonly OutputRecord[],
  actual: readonly OutputRecord[],
): readonly Finding[] {
  const lines = linesOf(actual)
  for (const [line, texts] of linesOf(expected)) {
    const found = lines.get(line) ?? []
    const at = texts.findIndex((text, index) => found[index] !== text)
    if (at < 0) continue
    const what = `sink '${sink}' has records of ${line} out of order: number ${at + 1} is ${found[at] ?? 'missing'} instead of ${texts[at]}`
    return [{ kind: 'order', where: sink, what }]
  }
  return []
}

function linesOf(records: readonly OutputRecord[]): ReadonlyMap<string, string[]> {
  const lines = new Map<string, string[]>()
  for (const { line, text } of records) {
    if (line === null) continue
    const texts = lines.get(line)
    if (texts === undefined) lines.set(line, [text])
    else texts.push(text)
  }
  return lines
}

/** Compares the cells of the operators that `isCompared` accepts, in the last checkpoints of two runs. */
export function compareState(
  expected: KeptState,
  actual: KeptState,
  isCompared: (operator: string) => boolean,
): readonly Finding[] {
  const findings: Finding[] = []
  for (const operator of new Set([...expected.keys(), ...actual.keys()])) {
    if (!isCompared(operator)) continue
    const what = cellsText(expected.get(operator) ?? [], actual.get(operator) ?? [])
    if (what === undefined) continue
    findings.push({ kind: 'state', where: operator, what: `the state at the end of '${operator}' ${what}` })
  }
  return findings
}

/** Describes how the cells of an operator differ; undefined if they are equal. */
function cellsText(expected: readonly string[], actual: readonly string[]): string | undefined {
  const known = new Set(expected)
  const found = new Set(actual)
  const missing = expected.filter((cell) => !found.has(cell))
  const other = actual.filter((cell) => !known.has(cell))
  if (missing.length === 0 && other.length === 0) return undefined
  return [
    `differs in ${Math.max(missing.length, other.length)} of ${expected.length} cells`,
    ...(missing.length > 0 ? [`expected: ${shown(missing)}`] : []),
    ...(other.length > 0 ? [`found: ${shown(other)}`] : []),
  ].join('; ')
}

function shown(texts: readonly string[]): string {
  const more = texts.length > shownMax ? `, and ${texts.length - shownMax} more` : ''
  return `${texts
    .slice(0, shownMax)
    .map((text) => (text.length > 300 ? `${text.slice(0, 300)}...` : text))
    .join(', ')}${more}`
}
