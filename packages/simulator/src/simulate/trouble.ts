import { sleep } from '@millrace/world'
import type { Clock, Random } from '@millrace/world'
import { MillraceError } from '@millrace/core'
import type { AsyncNode } from '@millrace/core/graph'
import type { FaultKind } from './fault.ts'

/** The trouble that the next call to a sink may meet. */
const sinkTroubles: readonly FaultKind[] = ['sinkError', 'lostReply', 'duplicate']

/** The current trouble of the outside world: faults add it, and the stand-ins for sources, sinks and calls apply it. */
export class Trouble {
  readonly #random: Random
  readonly #happened: (kind: FaultKind, what: string) => void
  /** The longest duration of a call to a sink, in milliseconds. */
  #sinkDelayMs = 0
  /** The number of calls that are still slow. Splits take turns when no call is in progress, so slowness must end. */
  #slowSinkCalls = 0
  #callDelayMs = 0
  #stallMs = 0
  /** How many calls to sinks were refused. */
  #refused = 0
  /** The number of next calls that fail. */
  readonly #pending = new Map<FaultKind, number>()
  /** The answers about splits that have not appeared yet. */
  readonly #withheld = new Set<string>()

  constructor(random: Random, happened: (kind: FaultKind, what: string) => void) {
    this.#random = random
    this.#happened = happened
  }

  /** Injects a fault now, or at the next opportunity. */
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

  /** Removes all trouble for a new process. */
  heal(): void {
    this.#slowSinkCalls = 0
    this.#callDelayMs = 0
    this.#stallMs = 0
    this.#pending.clear()
    this.#withheld.clear()
  }

  /** Runs `effect` in a sink, with the current trouble of sinks. */
  async atSink<T>(what: string, clock: Clock, effect: () => T | Promise<T>): Promise<T> {
    if (this.#slowSinkCalls > 0) {
      this.#slowSinkCalls--
      await sleep(clock, this.#random.int(this.#sinkDelayMs + 1))
    }
    if (this.#comesAcross('sinkError', what)) {
      // Half of them are outages, after which the engine makes the same call again.
      if (this.#refused++ % 2 === 1)
        throw new MillraceError('UNAVAILABLE', `simulated: ${what} found no server`)
      throw failure(`${what} was refused`)
    }
    const result = await effect()
    if (this.#comesAcross('lostReply', what))
      throw failure(`${what}: the connection was lost before the answer came`)
    return result
  }

  /** Whether a call to a sink would meet trouble now; if not, it need not wait. */
  get isSinkCalm(): boolean {
    return this.#slowSinkCalls === 0 && !sinkTroubles.some((kind) => this.#pending.has(kind))
  }

  /** Returns after how many milliseconds a call to a sink arrives again; undefined for never. */
  repeatAfterMs(what: string, mayBeLate: boolean): number | undefined {
    const isLate = mayBeLate && this.#pending.has('duplicate') && this.#random.int(2) === 0
    const delayMs = isLate ? 1 + this.#random.int(this.#random.int(2) === 0 ? 20 : 1_000) : 0
    const when = isLate ? `${delayMs} ms later` : 'at once'
    return this.#comesAcross('duplicate', `${what} is delivered again ${when}`) ? delayMs : undefined
  }

  /** Returns how long an empty source stays without records, in milliseconds. */
  stallAt(what: string): number {
    const ms = this.#stallMs
    this.#stallMs = 0
    if (ms > 0) this.#happened('stall', `${what} brings nothing for ${ms} ms`)
    return ms
  }

  /** Called when discovery runs while these splits have not appeared yet. */
  withheld(source: string, splits: readonly string[]): void {
    const what = `${splits.join(', ')} of source '${source}' are not there yet`
    if (this.#withheld.has(what)) return
    this.#withheld.add(what)
    this.#happened('lateSplits', what)
  }

  /** Throws if the next read is to fail. */
  atSource(what: string): void {
    if (this.#comesAcross('sourceError', what)) throw failure(`${what} cannot be read at the moment`)
  }

  /** Waits for the duration of a `mapAsync` call; throws if the call is to fail. */
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
