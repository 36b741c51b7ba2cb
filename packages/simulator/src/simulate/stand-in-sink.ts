import { sleep } from '@millrace/world'
import type { Json } from '@millrace/core'
import type { Batch, RejectRecord, Sink, SinkWriter } from '@millrace/core/connector'
import type { SimProcess } from '../world/sim-process.ts'
import { unboxed } from './box.ts'
import type { SinkCalls } from './sink-calls.ts'

/**
 * Wraps the user's sink: it receives the unboxed values, over a network with faults. `heldTo` is the guarantee of the
 * sink that it replaces.
 */
export function standInSink(
  sink: Sink<unknown>,
  heldTo: Sink<unknown>['guarantee'],
  calls: SinkCalls,
  process: SimProcess,
): Sink<unknown> {
  const { kind, guarantee } = sink
  const mayRepeat = guarantee === 'at-least-once' && heldTo === guarantee
  return {
    kind,
    guarantee,
    open: async (subtask, pending, context) =>
      new StandInWriter(await sink.open(subtask, pending, context), mayRepeat, calls, process),
  }
}

/** Invariant: at most one call is in progress in the user's writer, and none after it is closed. */
class StandInWriter implements SinkWriter<unknown> {
  readonly #inner: SinkWriter<unknown>
  readonly #mayRepeatWrites: boolean
  readonly #calls: SinkCalls
  readonly #process: SimProcess
  #isBusy = false
  /** Whether a second delivery is in progress. */
  #isRepeating = false
  #isClosed = false

  constructor(inner: SinkWriter<unknown>, mayRepeatWrites: boolean, calls: SinkCalls, process: SimProcess) {
    this.#inner = inner
    this.#mayRepeatWrites = mayRepeatWrites
    this.#calls = calls
    this.#process = process
  }

  write(boxes: Batch, reject: RejectRecord): Promise<void> | void {
    const batch = { ...boxes, values: boxes.values.slice(0, boxes.length).map((value) => unboxed(value)) }
    const write = (): Promise<void> | void => this.#inner.write(batch, reject)
    // What was delivered once has been judged.
    const again = (): Promise<void> | void => this.#inner.write(batch, () => {})
    if (this.#calls.isCalm && !this.#isRepeating) {
      const written = write()
      return written === undefined ? undefined : this.#ask('a write', () => written)
    }
    return this.#ask('a write', write, this.#mayRepeatWrites ? { again } : undefined)
  }

  prepare(checkpoint: number): Promise<Json | undefined> {
    this.#calls.preparing(checkpoint)
    return this.#ask('a prepare', async () =>
      this.#calls.prepared(checkpoint, await this.#inner.prepare(checkpoint)),
    )
  }

  commit(committable: Json): Promise<void> {
    const commit = async (): Promise<void> => this.#inner.commit?.(committable)
    // What finds the writer closed or in the middle of a call gets lost.
    const again = async (): Promise<void> => {
      if (this.#isClosed || this.#isBusy || this.#isRepeating) return
      this.#isRepeating = true
      await commit().finally(() => (this.#isRepeating = false))
    }
    return this.#ask('a commit', commit, { again, committable })
  }

  async close(): Promise<void> {
    await this.#turn()
    this.#isClosed = true
    await this.#inner.close()
  }

  async #ask<T>(
    what: string,
    effect: () => T | Promise<T>,
    repeatable?: { readonly again: () => unknown; readonly committable?: Json },
  ): Promise<T> {
    await this.#turn()
    const alone = async (): Promise<T> => {
      this.#isBusy = true
      try {
        return await effect()
      } finally {
        this.#isBusy = false
      }
    }
    return this.#calls.ask(what, this.#process, alone, repeatable)
  }

  /** Resolves when no second delivery is in progress. */
  async #turn(): Promise<void> {
    while (this.#isRepeating) await sleep(this.#process.clock, 1)
  }
}
