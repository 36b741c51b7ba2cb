import { cyclesIn, type Edge } from './cycles.ts'
import type { Anomaly, LogOperation } from './history.ts'
import { KnownLogs } from './known-logs.ts'
import { orderAnomalies } from './order.ts'

/**
 * Finds what is wrong in a history of logs: the anomalies that Jepsen's checkers name, each with its evidence.
 *
 * A history ends with a final read of all logs from their beginning: without it, acknowledged values that were never read are
 * no evidence. An operation with an unknown outcome may have happened or not, and is evidence for neither.
 *
 * @example
 * const anomalies = checkLog(history).filter(({ kind }) => !allowedByKafka.has(kind))
 */
export function checkLog(history: readonly LogOperation[]): readonly Anomaly[] {
  const known = new KnownLogs(history)
  return [
    ...known.contradictions(),
    ...missing(known),
    ...readsOfFailed(known),
    ...ownReads(history),
    ...orderAnomalies(history, known),
    ...cycles(known),
  ]
}

/** Values that were acknowledged, and that no reader has got: behind what was read of their log, or among it. */
function* missing(known: KnownLogs): Iterable<Anomaly> {
  for (const { log, value, sender, offsets, readers } of known.values.values()) {
    if (sender === undefined || readers.size > 0 || !known.hasHappened(sender)) continue
    const offset = Math.min(...offsets)
    const upTo = known.polledUpTo.get(log) ?? -1
    if (offset < upTo) {
      yield {
        kind: 'lost-write',
        message: `${log}@${offset} held ${value}, and was read up to ${upTo} without it`,
      }
    } else {
      yield { kind: 'unseen', message: `${value} was acknowledged in ${log}, and never read` }
    }
  }
}

function* readsOfFailed(known: KnownLogs): Iterable<Anomaly> {
  for (const { log, value, sender, readers } of known.values.values()) {
    if (sender?.outcome !== 'failed' || readers.size === 0) continue
    const [reader] = readers
    yield {
      kind: 'G1a',
      message: `${reader!.process} read ${value} in ${log}, which ${sender.process} has aborted`,
    }
  }
}

/** Reads of what the same transaction has sent: it was not committed then. */
function* ownReads(history: readonly LogOperation[]): Iterable<Anomaly> {
  for (const { process, steps } of history) {
    const sent = new Set<string>()
    for (const step of steps) {
      if (step.kind === 'send') sent.add(`${step.log} ${step.value}`)
      if (step.kind !== 'poll') continue
      const own = step.records.find(([, value]) => sent.has(`${step.log} ${value}`))
      if (own === undefined) continue
      yield {
        kind: 'precommitted-read',
        message: `${process} read its own ${own[1]} in ${step.log} before its commit`,
      }
    }
  }
}

function* cycles(known: KnownLogs): Iterable<Anomaly> {
  const writes: Edge<LogOperation>[] = []
  for (const offsets of known.offsets.values()) {
    let before: LogOperation | undefined
    for (const offset of [...offsets.keys()].toSorted((a, b) => a - b)) {
      const [value] = offsets.get(offset)!
      const sender = value?.sender
      if (sender === undefined || !known.hasHappened(sender)) continue
      if (before !== undefined && before !== sender) writes.push([before, sender])
      before = sender
    }
  }
  for (const cycle of cyclesIn(writes)) {
    yield { kind: 'G0', message: `the writes of ${namesOf(cycle)} are in different orders in different logs` }
  }
  const reads: Edge<LogOperation>[] = []
  for (const { sender, readers } of known.values.values()) {
    if (sender === undefined) continue
    for (const reader of readers) if (reader !== sender) reads.push([sender, reader])
  }
  for (const cycle of cyclesIn(reads)) {
    yield { kind: 'G1c', message: `${namesOf(cycle)} have each read what another of them has written` }
  }
}

function namesOf(operations: readonly LogOperation[]): string {
  return operations.map(({ process }) => process).join(' and ')
}
