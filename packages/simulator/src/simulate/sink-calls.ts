import { sleep } from '@millrace/world'
import type { Json } from '@millrace/core'
import { SimProcess } from '../world/sim-process.ts'
import type { SimWorld } from '../world/sim-world.ts'
import type { Trouble } from './trouble.ts'

/** A call that may reach its sink a second time. */
interface Repeatable {
  /** What the second delivery does. */
  readonly again: () => unknown
  /** What it commits; undefined for a call whose second delivery may only come right behind the first. */
  readonly committable?: Json
}

/** The second delivery of a call, on its way. */
interface LateCall {
  readonly checkpoint: number
  readonly again: () => unknown
}

/** Manifests are kept of so many checkpoints: what an older one has named is never committed again. */
const checkpointsKept = 2
/** How long the last second deliveries have to take effect, in simulated milliseconds. */
const settleMs = 60_000

/**
 * The network before one sink during one run: calls are slow, are refused, lose their answers and arrive twice.
 *
 * Only what every sink must tolerate arrives twice. Writes that may be repeated do so at once, before anything else
 * is written. A commit may come again at any time until the engine could no longer repeat it after a restart, also
 * when the process that sent it is dead.
 */
export class SinkCalls {
  readonly #name: string
  readonly #trouble: Trouble
  /** Outlives the processes that it carries calls for. */
  readonly #network: SimProcess
  readonly #late = new Set<LateCall>()
  /** By committable, as text: the checkpoint that it was prepared for. */
  readonly #checkpoints = new Map<string, number>()
  #newest = 0
  /** How many calls of each process are in progress. What a dead one has begun is never over. */
  readonly #busy = new Map<SimProcess, number>()

  constructor(name: string, world: SimWorld, trouble: Trouble) {
    this.#name = name
    this.#trouble = trouble
    this.#network = new SimProcess(world, `the network of sink '${name}'`)
  }

  /** Whether no call of `process` is in progress. */
  isQuiet(process: SimProcess): boolean {
    return (this.#busy.get(process) ?? 0) === 0
  }

  /** Whether a call would meet with nothing now; if so, it need not wait. */
  get isCalm(): boolean {
    return this.#trouble.isSinkCalm
  }

  /** Makes a call. Without `repeatable` it never arrives twice. */
  async ask<T>(
    what: string,
    process: SimProcess,
    effect: () => T | Promise<T>,
    repeatable?: Repeatable,
  ): Promise<T> {
    const call = `${what} of sink '${this.#name}'`
    this.#count(process, 1)
    try {
      return await this.#trouble.atSink(call, process.clock, async () => {
        const result = await effect()
        if (repeatable !== undefined) await this.#repeat(call, repeatable)
        return result
      })
    } finally {
      this.#count(process, -1)
    }
  }

  /** `checkpoint` is being prepared, so only the newest before it can be restored. */
  preparing(checkpoint: number): void {
    this.#newest = Math.max(this.#newest, checkpoint)
  }

  /** Notes what was prepared for `checkpoint`. */
  prepared<C extends Json | undefined>(checkpoint: number, committable: C): C {
    if (committable !== undefined) this.#checkpoints.set(JSON.stringify(committable), checkpoint)
    return committable
  }

  /** Delivers everything that is still on its way. A writer whose process is dead may never answer. */
  async settle(): Promise<void> {
    if (this.#late.size === 0) return
    for (const call of this.#late) void this.#deliver(call)
    await sleep(this.#network.clock, settleMs)
  }

  #count(process: SimProcess, change: 1 | -1): void {
    this.#busy.set(process, (this.#busy.get(process) ?? 0) + change)
  }

  async #repeat(call: string, { again, committable }: Repeatable): Promise<void> {
    const checkpoint =
      committable === undefined ? undefined : this.#checkpoints.get(JSON.stringify(committable))
    const delayMs = this.#trouble.repeatAfterMs(call, checkpoint !== undefined)
    if (delayMs === undefined) return
    if (checkpoint === undefined || delayMs === 0) return unheard(again)
    const late = { checkpoint, again }
    this.#late.add(late)
    this.#network.clock.schedule(delayMs, () => void this.#deliver(late))
  }

  async #deliver(late: LateCall): Promise<void> {
    if (!this.#late.delete(late) || late.checkpoint < this.#newest - checkpointsKept) return
    await unheard(late.again)
  }
}

/** The answer to a second delivery is not waited for, so its failure is not reported. */
async function unheard(again: () => unknown): Promise<void> {
  try {
    await again()
  } catch {
    // What the first delivery has answered counts.
  }
}
