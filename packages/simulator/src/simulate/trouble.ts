import { sleep } from '@millrace/world'
import type { Clock, Random } from '@millrace/world'
import { MillraceError } from '@millrace/core'
import type { AsyncNode } from '@millrace/core/graph'
import type { FaultKind } from './fault.ts'

/** What the next call to a sink may come across. */
const sinkTroubles: readonly FaultKind[] = ['sinkError', 'lostReply', 'duplicate']

/**
 * What is wrong with the outside world at the moment: faults put it here, and the stand-ins for sources, sinks and
 * calls come across it.
 */
export class Trouble {
  readonly #random: Random
  readonly #happened: (kind: FaultKind, what: string) => void
  /** How long a call to a sink takes at most, in milliseconds. */
  #sinkDelayMs = 0
  /** How many calls still do. Splits take turns when no call is in progress, so sinks must not be busy without end. */
  #slowSinkCalls = 0
  #callDelayMs = 0
  #stallMs = 0
  /** How many of the next calls to come across it fail. */
  readonly #pending = new Map<FaultKind, number>()
  /** What was said of splits that are not there. */
  readonly #withheld = new Set<string>()

  constructor(random: Random, happened: (kind: FaultKind, what: string) => void) {
    this.#random = random
    this.#happened = happened
  }

  /** Lets something go wrong from now on, or the next time that it can. */
  begin(kind: FaultKind, random: Random): void {
    if (kind === 'slowSink') {
      this.#sinkDelayMs = 1 + random.int(30)
      this.#slowSinkCalls = 50 + random.int(450)
      this.#happened(kind, `${this.#slowSinkCalls} calls take up to ${this.#sinkDelayMs} ms`)
    } else if (kind === 'slowCalls') {
      this.#callDelayMs = 1 + random.int(50)
      this.#happened(kind, `calls take up to ${this.#callDelayMs} ms`)
    } else if (kind === 'stall') {
      this.#stallMs = 100 + random.int(1_400)
    } else {
      this.#pending.set(kind, (this.#pending.get(kind) ?? 0) + 1)
    }
  }

  /** A new process finds the outside world in order again. */
  heal(): void {
    this.#slowSinkCalls = 0
    this.#callDelayMs = 0
    this.#stallMs = 0
    this.#pending.clear()
    this.#withheld.clear()
  }

  /** Does `effect` in a sink, with what is wrong with sinks. */
  async atSink<T>(what: string, clock: Clock, effect: () => T | Promise<T>): Promise<T> {
    if (this.#slowSinkCalls > 0) {
      this.#slowSinkCalls--
      await sleep(clock, this.#random.int(this.#sinkDelayMs + 1))
    }
    if (this.#comesAcross('sinkError', what)) throw failure(`${what} was refused`)
    const result = await effect()
    if (this.#comesAcross('lostReply', what))
      throw failure(`${what}: the connection was lost before the answer came`)
    return result
  }

  /** Whether a call to a sink would meet with trouble now; if not, it need not wait. */
  get isSinkCalm(): boolean {
    return this.#slowSinkCalls === 0 && !sinkTroubles.some((kind) => this.#pending.has(kind))
  }

  /** After how many milliseconds a call to a sink arrives again; undefined if it does not. */
  repeatAfterMs(what: string, mayBeLate: boolean): number | undefined {
    const isLate = mayBeLate && this.#pending.has('duplicate') && this.#random.int(2) === 0
    const delayMs = isLate ? 1 + this.#random.int(this.#random.int(2) === 0 ? 20 : 1_000) : 0
    const when = isLate ? `${delayMs} ms later` : 'at once'
    return this.#comesAcross('duplicate', `${what} is delivered again ${when}`) ? delayMs : undefined
  }

  /** How long a source that has nothing at the moment brings nothing, in milliseconds. */
  stallAt(what: string): number {
    const ms = this.#stallMs
    this.#stallMs = 0
    if (ms > 0) this.#happened('stall', `${what} brings nothing for ${ms} ms`)
    return ms
  }

  /** A source was asked for its splits, and these are not there yet. */
  withheld(source: string, splits: readonly string[]): void {
    const what = `${splits.join(', ')} of source '${source}' are not there yet`
    if (this.#withheld.has(what)) return
    this.#withheld.add(what)
    this.#happened('lateSplits', what)
  }

  /** Throws if reading is to fail now. */
  atSource(what: string): void {
    if (this.#comesAcross('sourceError', what)) throw failure(`${what} cannot be read at the moment`)
  }

  /** Resolves after what a call of `mapAsync` takes; throws if it is to fail. */
  async atCall({ name, timeoutMs = Infinity, onError }: AsyncNode, clock: Clock): Promise<void> {
    // An abandoned call, or one whose record is skipped, is a result; this is about delays and failures that pass.
    const delayMs = Math.min(this.#callDelayMs, Math.floor(timeoutMs / 4))
    if (delayMs > 0) await sleep(clock, this.#random.int(delayMs + 1))
    const what = `a call of '${name}'`
    if (onError.kind === 'fail' && this.#comesAcross('callError', what)) throw failure(`${what} failed once`)
  }

  #comesAcross(kind: FaultKind, what: string): boolean {
    const left = this.#pending.get(kind) ?? 0
    if (left === 0) return false
    if (left === 1) this.#pending.delete(kind)
    else this.#pending.set(kind, left - 1)
    this.#happened(kind, what)
    return true
  }
}

function failure(what: string): MillraceError {
  return new MillraceError('FS_IO', `simulated: ${what}`, { isTransient: true })
}
