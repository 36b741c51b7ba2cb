import { MillraceError } from '@millrace/core'
import type { Batch, Sink, SinkWriter } from '@millrace/core/connector'
import type { SimProcess } from '../world/sim-process.ts'
import { lineOf, unboxed } from './box.ts'
import type { SinkCalls } from './sink-calls.ts'
import { valueText } from './value-text.ts'

/** A record that reached the outside system. */
export interface OutputRecord {
  readonly value: unknown
  /** Its line: see `Box`. */
  readonly line: string | null
  /** Equal for equal values. */
  readonly text: string
  /** Whether the process that wrote it may have been paused earlier. */
  readonly isAfterPause: boolean
}

/** A record of the output. */
export function outputRecord(arrived: unknown, isAfterPause: boolean): OutputRecord {
  const value = unboxed(arrived)
  return { value, line: lineOf(arrived), text: valueText(comparable(value)), isAfterPause }
}

/** The part of a dead letter that is equal in every run: without the time of failure and the place. */
function comparable(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('failedAt' in value && 'operator' in value))
    return value
  const {
    failedAt: _when,
    stack: _stack,
    place: _place,
    source: _source,
    split: _split,
    position: _position,
    headers: _headers,
    attempts: _attempts,
    raw: _raw,
    ...rest
  } = value as Readonly<Record<string, unknown>>
  return rest
}

/** The caller of a sink. */
interface Caller {
  readonly calls: SinkCalls
  readonly process: SimProcess
  /** The epoch of the data directory's owner. */
  readonly epoch: number
}

/**
 * An outside system that survives crashes: it keeps what was prepared until it is committed or aborted, and shows
 * what was committed. One for each sink and run, shared by all lives of the process.
 *
 * Each call to a sink with transactions carries the epoch of the data directory's owner, and one of an earlier epoch than
 * it has seen is refused: a process that was paused and replaced commits nothing.
 *
 * Invariants between any two calls: a transaction is open, prepared, committed or aborted, and only moves on in that
 * order.
 */
export class SimSystem {
  readonly name: string
  /** What is visible, in the order in which it became visible. */
  readonly visible: OutputRecord[] = []
  /** Contract violations of the pipeline that an outside system would reject. */
  readonly violations: string[] = []
  readonly #prepared = new Map<number, readonly OutputRecord[]>()
  readonly #committed = new Set<number>()
  #transactions = 0
  /** The highest epoch that has called. */
  #epoch = 0
  /** Whether prepared output may be lost: true for an at-most-once sink. */
  #mayLose = false

  constructor(name: string) {
    this.name = name
  }

  /** Returns a sink for `process` that writes here. */
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
      open: async (subtask, pending, { owner: { epoch } }) => {
        const caller: Caller = { calls, process, epoch }
        if (subtask === 0) {
          if (!this.#mayLose)
            for (const id of pending) await this.#commit('a commit after a restart', id, caller)
          const abort = this.#as(epoch, () => this.#prepared.clear())
          await calls.ask('an abort', process, abort, { again: abort })
        }
        return guarantee === 'at-least-once' ? this.#plainWriter(caller) : this.#twoPhaseWriter(caller)
      },
    }
  }

  #twoPhaseWriter(caller: Caller): SinkWriter<unknown, number> {
    const { calls, process, epoch } = caller
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
        const prepare = this.#as(epoch, () => {
          // A call that fails before has no effect, and may be made again.
          open = []
          const id = ++this.#transactions
          this.#prepared.set(id, records)
          return calls.prepared(checkpoint, id)
        })
        return calls.ask('a prepare', process, prepare)
      },
      commit: (id) => this.#commit('a commit', id, caller),
      close: async () => {},
    }
  }

  #plainWriter({ calls, process }: Caller): SinkWriter<unknown, number> {
    return {
      write: (batch) => {
        const write = (): void => this.visible.push(...recordsOf(batch, process)) as unknown as void
        return calls.isCalm ? write() : calls.ask('a write', process, write, { again: write })
      },
      prepare: () => calls.ask('a flush', process, () => undefined),
      close: async () => {},
    }
  }

  #commit(what: string, id: number, { calls, process, epoch }: Caller): Promise<void> {
    const show = this.#as(epoch, () => this.#show(id))
    return calls.ask(what, process, show, { again: show, committable: id })
  }

  /** Runs `effect`, unless a later epoch has called meanwhile. */
  #as<T>(epoch: number, effect: () => T): () => T {
    return () => {
      if (epoch < this.#epoch) throw this.#late(epoch)
      this.#epoch = epoch
      return effect()
    }
  }

  #late(epoch: number): MillraceError {
    const what = `sink '${this.name}' refused a call of epoch ${epoch}, because epoch ${this.#epoch} has called`
    return new MillraceError('DIRECTORY_LOCKED', what, { isFinal: true })
  }

  #show(id: number): void {
    if (this.#committed.has(id)) return
    const records = this.#prepared.get(id)
    if (records === undefined) {
      // What was prepared but not shown before a restart is aborted by it.
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
