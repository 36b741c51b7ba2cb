import type { LogOperation, LogStep } from '../../src/log-checker/history.ts'

/** What a client does next. `pick` chooses among what is possible then. */
export interface DrawnStep {
  readonly client: number
  readonly does: 'send' | 'commit' | 'abort' | 'lose the answer' | 'poll' | 'seek'
  readonly pick: number
}

interface Slot {
  readonly value: string
  state: 'open' | 'committed' | 'aborted'
}

interface OpenTransaction {
  readonly steps: LogStep[]
  readonly slots: Slot[]
}

const logs = ['a', 'b', 'c']
const writers = 3

/** Runs drawn steps against logs that keep every promise of Kafka, and returns what the clients have seen. */
export function drawnHistory(steps: readonly DrawnStep[]): readonly LogOperation[] {
  const run = new DrawnRun()
  for (const step of steps) run.take(step)
  return run.finish()
}

class DrawnRun {
  readonly #slots = new Map<string, Slot[]>(logs.map((log) => [log, []]))
  readonly #open = new Map<string, OpenTransaction>()
  readonly #positions = new Map<string, number>()
  readonly #history: LogOperation[] = []
  #values = 0

  take({ client, does, pick }: DrawnStep): void {
    const writer = `writer-${client % writers}`
    const reader = `reader-${client % 2}`
    const log = logs[pick % logs.length]!
    if (does === 'send') this.#send(writer, log)
    else if (does === 'poll') this.#poll(reader, log, 1 + (pick % 4))
    else if (does === 'seek') this.#seek(reader, log, pick)
    else this.#end(writer, does, pick)
  }

  /** Commits what is open, and reads all logs from their beginning. */
  finish(): readonly LogOperation[] {
    for (const writer of this.#open.keys()) this.#end(writer, 'commit', 0)
    for (const log of logs) {
      this.#poll('last reader', log, Infinity)
      this.#end(log, 'commit', 0)
    }
    return this.#history
  }

  #send(writer: string, log: string): void {
    const transaction = this.#open.get(writer) ?? { steps: [], slots: [] }
    this.#open.set(writer, transaction)
    const slot: Slot = { value: `v${this.#values++}`, state: 'open' }
    const slots = this.#slots.get(log)!
    transaction.steps.push({ kind: 'send', log, value: slot.value, offset: slots.length })
    transaction.slots.push(slot)
    slots.push(slot)
  }

  #end(writer: string, how: Exclude<DrawnStep['does'], 'send' | 'poll' | 'seek'>, pick: number): void {
    const transaction = this.#open.get(writer)
    if (transaction === undefined) return
    this.#open.delete(writer)
    const isCommitted = how === 'commit' || (how === 'lose the answer' && pick % 2 === 0)
    for (const slot of transaction.slots) slot.state = isCommitted ? 'committed' : 'aborted'
    // The mark of the transaction has an offset too.
    for (const log of new Set(transaction.steps.map((step) => step.log))) {
      this.#slots.get(log)!.push({ value: '', state: 'aborted' })
    }
    const outcome = how === 'commit' ? 'ok' : how === 'abort' ? 'failed' : 'unknown'
    // Who gets no answer knows no offsets.
    const steps = transaction.steps.map((step) =>
      outcome === 'unknown' && step.kind === 'send'
        ? { kind: step.kind, log: step.log, value: step.value }
        : step,
    )
    this.#history.push({ process: writer, outcome, steps })
  }

  #poll(reader: string, log: string, limit: number): void {
    const slots = this.#slots.get(log)!
    const place = `${reader} ${log}`
    const records: [number, string][] = []
    let at = this.#positions.get(place) ?? 0
    for (; at < slots.length && records.length < limit && slots[at]!.state !== 'open'; at++) {
      if (slots[at]!.state === 'committed') records.push([at, slots[at]!.value])
    }
    this.#positions.set(place, at)
    this.#history.push({ process: reader, outcome: 'ok', steps: [{ kind: 'poll', log, records }] })
  }

  #seek(reader: string, log: string, pick: number): void {
    this.#positions.set(`${reader} ${log}`, pick % (this.#slots.get(log)!.length + 1))
    this.#history.push({ process: reader, outcome: 'ok', steps: [{ kind: 'seek', log }] })
  }
}
