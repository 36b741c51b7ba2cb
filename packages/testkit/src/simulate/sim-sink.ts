import type { Batch, Sink, SinkWriter } from '@millrace/core'
import type { SimProcess } from '../world/sim-process.ts'
import { lineOf, unboxed } from './box.ts'
import type { SinkCalls } from './sink-calls.ts'
import { valueText } from './value-text.ts'

/** One record that reached the outside. */
export interface OutputRecord {
  readonly value: unknown
  /** The line it stands in: see `Box`. */
  readonly line: string | null
  /** Equal for equal values. */
  readonly text: string
  /** Whether the process that wrote it may have been paused before. */
  readonly isAfterPause: boolean
}

/** A record as it came out of the pipeline. */
export function outputRecord(arrived: unknown, isAfterPause: boolean): OutputRecord {
  const value = unboxed(arrived)
  return { value, line: lineOf(arrived), text: valueText(comparable(value)), isAfterPause }
}

/** What of a dead letter is the same in every run: not when it failed, nor where the record was by then. */
function comparable(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('failedAt' in value && 'operator' in value))
    return value
  const {
    failedAt: _when,
    stack: _stack,
    place: _place,
    raw: _raw,
    ...rest
  } = value as Readonly<Record<string, unknown>>
  return rest
}

/**
 * An outside system that survives crashes: it keeps what was prepared until somebody commits or aborts it, and shows
 * what was committed. One for each sink and run, shared by all lives of the process.
 *
 * True between any two calls: a transaction is open, prepared, committed or aborted, and only moves on in that order.
 */
export class SimSystem {
  readonly name: string
  /** What everybody can see, in the order in which it became visible. */
  readonly visible: OutputRecord[] = []
  /** What the pipeline did that no outside system would put up with. */
  readonly violations: string[] = []
  readonly #prepared = new Map<number, readonly OutputRecord[]>()
  readonly #committed = new Set<number>()
  #transactions = 0
  /** Whether what was prepared may be lost: by a sink that shows at most once. */
  #mayLose = false

  constructor(name: string) {
    this.name = name
  }

  /** A sink of one `process` that leads here. */
  sink(
    kind: string,
    guarantee: Sink<unknown>['guarantee'],
    calls: SinkCalls,
    process: SimProcess,
  ): Sink<unknown, number> {
    this.#mayLose = guarantee === 'at-most-once'
    return {
      kind,
      guarantee,
      open: async (subtask, pending) => {
        if (subtask === 0) {
          if (!this.#mayLose)
            for (const id of pending) await this.#commit('a commit after a restart', id, calls, process)
          // A second one that came late would abort what a successor has prepared: no sink without epochs survives that.
          const abort = (): void => this.#prepared.clear()
          await calls.ask('an abort', process, abort, { again: abort })
        }
        return guarantee === 'at-least-once'
          ? this.#plainWriter(calls, process)
          : this.#twoPhaseWriter(calls, process)
      },
    }
  }

  #twoPhaseWriter(calls: SinkCalls, process: SimProcess): SinkWriter<unknown, number> {
    let open: OutputRecord[] = []
    return {
      write: (batch) => {
        const write = (): void => open.push(...recordsOf(batch, process)) as unknown as void
        return calls.isCalm ? write() : calls.ask('a write', process, write)
      },
      prepare: async (checkpoint) => {
        calls.preparing(checkpoint)
        if (open.length === 0) return undefined
        const records = open
        open = []
        return calls.ask('a prepare', process, () => {
          const id = ++this.#transactions
          this.#prepared.set(id, records)
          return calls.prepared(checkpoint, id)
        })
      },
      commit: (id) => this.#commit('a commit', id, calls, process),
      close: async () => {},
    }
  }

  #plainWriter(calls: SinkCalls, process: SimProcess): SinkWriter<unknown, number> {
    return {
      write: (batch) => {
        const write = (): void => this.visible.push(...recordsOf(batch, process)) as unknown as void
        return calls.isCalm ? write() : calls.ask('a write', process, write, { again: write })
      },
      prepare: () => calls.ask('a flush', process, () => undefined),
      close: async () => {},
    }
  }

  #commit(what: string, id: number, calls: SinkCalls, process: SimProcess): Promise<void> {
    const show = (): void => this.#show(id)
    return calls.ask(what, process, show, { again: show, committable: id })
  }

  #show(id: number): void {
    if (this.#committed.has(id)) return
    const records = this.#prepared.get(id)
    if (records === undefined) {
      // A process that was paused for a while wants to show what its successor has given up.
      if (this.#mayLose) return
      this.violations.push(`transaction ${id} of sink '${this.name}' was committed after it had been aborted`)
      return
    }
    this.#prepared.delete(id)
    this.#committed.add(id)
    this.visible.push(...records)
  }
}

function recordsOf(batch: Batch, { wasPaused }: SimProcess): readonly OutputRecord[] {
  return batch.values.slice(0, batch.length).map((value) => outputRecord(value, wasPaused))
}
