import type { EventTime, Json } from '@millrace/core'
import { MAX_TIME, MIN_TIME, WatermarkMerger, type InputProgress } from '@millrace/core/connector'
import type { SenderPhase } from './shuffle-message.ts'

/** One sender as a checkpoint keeps it. JSON has no number for the beginning of time. */
export interface SavedSender {
  readonly [name: string]: Json
  readonly watermark: number | null
  readonly phase: SenderPhase
  /** Whether it has said in this run how far it is. */
  readonly hasSpoken: boolean
}

/** All senders as a checkpoint keeps them. */
export interface SavedSenders {
  readonly [name: string]: Json
  readonly current: number | null
  readonly senders: readonly SavedSender[]
}

/**
 * How far the leases are that write to one partition, and what follows for its reader: the least watermark of those that are neither idle
 * nor have ended, by the rules for the inputs of a task.
 */
export class Senders {
  #merger: WatermarkMerger
  readonly #hasSpoken: boolean[]
  readonly #count: number
  /** The merger has no watermark of its own once all have ended. */
  #current: EventTime

  constructor(count: number, saved?: SavedSenders) {
    this.#count = count
    this.#current = saved?.current ?? MIN_TIME
    const inputs = saved?.senders.map(({ watermark, phase }) => ({ watermark: watermark ?? MIN_TIME, phase }))
    this.#merger =
      inputs === undefined ? new WatermarkMerger(count) : WatermarkMerger.resume(this.#current, inputs)
    this.#hasSpoken = Array.from({ length: count }, (_, sender) => saved?.senders[sender]?.hasSpoken ?? false)
  }

  /** The watermark of all senders together. */
  get current(): EventTime {
    return this.#current
  }

  get areIdle(): boolean {
    return this.#merger.isIdle
  }

  get haveEnded(): boolean {
    return this.#merger.isEmpty
  }

  /** Those that have not said in this run how far they are. */
  get silent(): readonly number[] {
    return this.#hasSpoken.flatMap((hasSpoken, sender) => (hasSpoken ? [] : [sender]))
  }

  /** A new run begins after the end of another: each sender begins again where it was. */
  beginAnew(): void {
    const before = Array.from({ length: this.#count }, (_, sender) => this.#merger.input(sender))
    this.#merger = new WatermarkMerger(this.#count, this.#current)
    for (const [sender, { watermark }] of before.entries()) this.#merger.advance(sender, watermark)
    this.#hasSpoken.fill(false)
    this.#follow()
  }

  /** The sender was active and had reached `watermark`. Returns the watermark of all. */
  active(sender: number, watermark: EventTime): EventTime {
    this.#hasSpoken[sender] = true
    if (this.#merger.input(sender).phase === 'ended') this.#revive(sender)
    this.#merger.active(sender)
    this.#merger.advance(sender, watermark)
    return this.#follow()
  }

  /** The sender says how far it is. */
  progress(sender: number, phase: SenderPhase, watermark: EventTime): void {
    const { watermark: before, phase: was } = this.#merger.input(sender)
    this.#hasSpoken[sender] = true
    if (phase === 'ended' && was === 'ended') return
    // One that is idle was active in between if it has advanced.
    if (phase === 'active' || watermark > before) this.active(sender, watermark)
    if (phase === 'idle') this.#idle(sender)
    if (phase === 'ended') this.#merger.end(sender)
    this.#follow()
  }

  saved(): SavedSenders {
    return {
      current: jsonOf(this.#current),
      senders: this.#hasSpoken.map((hasSpoken, sender) => {
        const { watermark, phase } = this.#merger.input(sender)
        return { watermark: jsonOf(watermark), phase, hasSpoken }
      }),
    }
  }

  #idle(sender: number): void {
    if (this.#merger.input(sender).phase === 'ended') this.#revive(sender)
    this.#merger.idle(sender)
  }

  /** One that had ended has begun another run: as a split that is read further, it counts from where the others are. */
  #revive(sender: number): void {
    const inputs = Array.from({ length: this.#count }, (_, each): InputProgress => {
      const input = this.#merger.input(each)
      if (each !== sender) return input
      return { watermark: Math.max(input.watermark, this.#current), phase: 'active' }
    })
    this.#merger = WatermarkMerger.resume(this.#current, inputs)
  }

  #follow(): EventTime {
    if (this.#merger.current !== MAX_TIME) this.#current = this.#merger.current
    return this.#current
  }
}

function jsonOf(time: EventTime): number | null {
  return time === MIN_TIME ? null : time
}
