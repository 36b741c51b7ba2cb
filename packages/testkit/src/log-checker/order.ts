import type { Anomaly, AnomalyKind, LogOperation } from './history.ts'
import type { KnownLogs } from './known-logs.ts'

/** Where a process is in a log, and since which operation. */
interface Place {
  readonly offset: number
  readonly operation: LogOperation
}

/** Reads and writes of one process that go back, or leave something out. */
export function* orderAnomalies(history: readonly LogOperation[], known: KnownLogs): Iterable<Anomaly> {
  const processes = new Map<string, ProcessOrder>()
  for (const operation of history) {
    const { process } = operation
    const order = processes.get(process) ?? new ProcessOrder(process, known)
    processes.set(process, order)
    yield* order.take(operation)
  }
}

class ProcessOrder {
  readonly #process: string
  readonly #known: KnownLogs
  readonly #read = new Map<string, Place>()
  readonly #sent = new Map<string, Place>()

  constructor(process: string, known: KnownLogs) {
    this.#process = process
    this.#known = known
  }

  *take(operation: LogOperation): Iterable<Anomaly> {
    for (const step of operation.steps) {
      if (step.kind === 'seek') this.#read.delete(step.log)
      else if (step.kind === 'poll') {
        for (const [offset] of step.records) yield* this.#poll(operation, step.log, offset)
      } else if (step.offset !== undefined && operation.outcome === 'ok') {
        yield* this.#send(operation, step.log, step.offset)
      }
    }
  }

  *#poll(operation: LogOperation, log: string, offset: number): Iterable<Anomaly> {
    const before = this.#read.get(log)
    this.#read.set(log, { offset, operation })
    if (before === undefined) return
    const isInside = before.operation === operation
    if (offset <= before.offset) {
      yield this.#anomaly(
        isInside ? 'int-nonmonotonic-poll' : 'nonmonotonic-poll',
        log,
        before.offset,
        offset,
      )
      return
    }
    const skipped = this.#known.readBetween(log, before.offset, offset)
    if (skipped === undefined) return
    const kind = isInside ? 'int-poll-skip' : 'poll-skip'
    yield this.#anomaly(kind, log, before.offset, offset, `, and ${skipped} holds a record`)
  }

  *#send(operation: LogOperation, log: string, offset: number): Iterable<Anomaly> {
    const before = this.#sent.get(log)
    this.#sent.set(log, { offset, operation })
    if (before === undefined) return
    const isInside = before.operation === operation
    if (offset <= before.offset) {
      yield this.#anomaly(
        isInside ? 'int-nonmonotonic-send' : 'nonmonotonic-send',
        log,
        before.offset,
        offset,
      )
      return
    }
    const skipped = isInside ? this.#known.readBetween(log, before.offset, offset) : undefined
    if (skipped === undefined) return
    yield this.#anomaly(
      'int-send-skip',
      log,
      before.offset,
      offset,
      `, and ${skipped} is of another transaction`,
    )
  }

  #anomaly(kind: AnomalyKind, log: string, from: number, to: number, more = ''): Anomaly {
    return { kind, message: `${this.#process} is at ${from} in ${log}, and then at ${to}${more}` }
  }
}
