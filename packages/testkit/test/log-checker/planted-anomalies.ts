import type { AnomalyKind, LogOperation, LogStep, PollStep } from '../../src/log-checker/history.ts'

/** Changes a history so that it has an anomaly; undefined where it has nothing that could be changed so. */
export type Plant = (history: readonly LogOperation[]) => readonly LogOperation[] | undefined

/** A log that no drawn history uses, so that what is planted there is whole. */
const [x, y] = ['planted-x', 'planted-y']

const did = (process: string, ...steps: readonly LogStep[]): LogOperation => ({
  process,
  outcome: 'ok',
  steps,
})
const send = (log: string, value: string, offset: number): LogStep => ({ kind: 'send', log, value, offset })
const poll = (log: string, ...records: readonly (readonly [number, string])[]): LogStep => ({
  kind: 'poll',
  log,
  records,
})

const three = did('w', send(x, 'one', 0), send(x, 'two', 1), send(x, 'three', 2))
const all = poll(x, [0, 'one'], [1, 'two'], [2, 'three'])

/** Anomalies by name. Those of the first group are planted into what was drawn, the others beside it. */
export const plants: Readonly<Record<AnomalyKind, Plant>> = {
  'lost-write': (history) => {
    const acknowledged = readValues(history, ({ length }, index) => index < length - 1)
    return acknowledged === undefined ? undefined : without(history, acknowledged)
  },
  unseen: (history) => {
    const acknowledged = readValues(history, ({ length }, index) => index === length - 1)
    return acknowledged === undefined ? undefined : without(history, acknowledged)
  },
  duplicate: (history) => {
    const found = lastPoll(history)
    return found && [...history, did('other', poll(found.log, [1_000_000, found.records[0]![1]]))]
  },
  'inconsistent-offsets': (history) => {
    const found = lastPoll(history)
    return found && [...history, did('other', poll(found.log, [found.records[0]![0], 'something else']))]
  },
  G1a: (history) => {
    const failed = history.find(({ outcome }) => outcome === 'failed')?.steps[0]
    if (failed?.kind !== 'send') return undefined
    return [...history, did('other', poll(failed.log, [failed.offset!, failed.value]))]
  },
  'nonmonotonic-poll': (history) => {
    const found = lastPoll(history)
    return found && [...history, did('last reader', poll(found.log, found.records[0]!))]
  },
  'int-nonmonotonic-poll': (history) => {
    const found = lastPoll(history)
    return found && [...history, did('other', poll(found.log, ...found.records, found.records[0]!))]
  },
  'poll-skip': (history) => [
    ...history,
    three,
    did('r', all),
    did('skips', poll(x, [0, 'one'])),
    did('skips', poll(x, [2, 'three'])),
  ],
  'int-poll-skip': (history) => [
    ...history,
    three,
    did('r', all),
    did('skips', poll(x, [0, 'one'], [2, 'three'])),
  ],
  'nonmonotonic-send': (history) => [
    ...history,
    did('w', send(x, 'later', 1)),
    did('w', send(x, 'earlier', 0)),
    did('r', poll(x, [0, 'earlier'], [1, 'later'])),
  ],
  'int-nonmonotonic-send': (history) => [
    ...history,
    did('w', send(x, 'later', 1), send(x, 'earlier', 0)),
    did('r', poll(x, [0, 'earlier'], [1, 'later'])),
  ],
  'int-send-skip': (history) => [
    ...history,
    did('w', send(x, 'one', 0), send(x, 'three', 2)),
    did('v', send(x, 'two', 1)),
    did('r', all),
  ],
  'precommitted-read': (history) => [
    ...history,
    did('w', send(x, 'one', 0), poll(x, [0, 'one'])),
    did('r', poll(x, [0, 'one'])),
  ],
  G0: (history) => [
    ...history,
    did('w', send(x, 'w1', 0), send(y, 'w2', 1)),
    did('v', send(x, 'v1', 1), send(y, 'v2', 0)),
    did('r', poll(x, [0, 'w1'], [1, 'v1']), poll(y, [0, 'v2'], [1, 'w2'])),
  ],
  G1c: (history) => [
    ...history,
    did('w', send(x, 'w1', 0), poll(y, [0, 'v1'])),
    did('v', send(y, 'v1', 0), poll(x, [0, 'w1'])),
  ],
}

/** An acknowledged value that was read in the given place of its log. */
function readValues(
  history: readonly LogOperation[],
  isWanted: (records: PollStep['records'], index: number) => boolean,
): string | undefined {
  const acknowledged = new Set(
    history
      .filter(({ outcome }) => outcome === 'ok')
      .flatMap(({ steps }) => steps)
      .flatMap((step) => (step.kind === 'send' ? [step.value] : [])),
  )
  for (const { records } of lastPolls(history)) {
    const found = records.find(([, value], index) => acknowledged.has(value) && isWanted(records, index))
    if (found !== undefined) return found[1]
  }
  return undefined
}

function lastPolls(history: readonly LogOperation[]): readonly PollStep[] {
  return history
    .filter(({ process }) => process === 'last reader')
    .flatMap(({ steps }) => steps)
    .flatMap((step) => (step.kind === 'poll' && step.records.length > 0 ? [step] : []))
}

function lastPoll(history: readonly LogOperation[]): PollStep | undefined {
  return lastPolls(history)[0]
}

/** The history as if no reader had got a value. */
function without(history: readonly LogOperation[], value: string): readonly LogOperation[] {
  return history.map((operation) => ({
    ...operation,
    steps: operation.steps.map((step) =>
      step.kind === 'poll' ? { ...step, records: step.records.filter(([, read]) => read !== value) } : step,
    ),
  }))
}
