import { sleep } from '@millrace/world'
import type { Json } from '@millrace/core'
import { SimProcess } from '../world/sim-process.ts'
import type { SimWorld } from '../world/sim-world.ts'
import type { Trouble } from './trouble.ts'

/** A call that may be delivered to its sink a second time. */
interface Repeatable {
  /** The effect of the second delivery. */
  readonly again: () => unknown
  /** The committable; undefined for a call whose second delivery must follow the first directly. */
  readonly committable?: Json
}

/** A pending second delivery of a call. */
interface LateCall {
  readonly checkpoint: number
  readonly again: () => unknown
}

/** The number of kept manifests: output that an older one names is never committed again. */
const checkpointsKept = 2
/** The time for the last second deliveries to take effect, in simulated milliseconds. */
const settleMs = 60_000

/**
 * The network to one sink during one run: calls are slow, are rejected, lose their answers and arrive twice.
 *
 * Only calls that every sink must tolerate twice arrive twice. Repeatable writes are repeated at once, before any other
 * write. A commit may arrive again at any time until the engine could no longer repeat it after a restart, also when
 * its process is dead.
 */
export class SinkCalls {
  readonly #name: string
  readonly #trouble: Trouble
  /** It outlives the processes that make the calls. */
  readonly #network: SimProcess
  readonly #late = new Set<LateCall>()
  /** By committable, as text: the checkpoint that it was prepared for. */
  readonly #checkpoints = new Map<string, number>()
  #newest = 0
  /** The number of running calls of each process. Calls of a killed process never end. */
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

  /** Whether a call would meet no trouble now; if so, it need not wait. */
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

  /** Called when `checkpoint` is being prepared: only the newest one before it can be restored. */
  preparing(checkpoint: number): void {
    this.#newest = Math.max(this.#newest, checkpoint)
  }

  /** Records what was prepared for `checkpoint`. */
  prepared<C extends Json | undefined>(checkpoint: number, committable: C): C {
    if (committable !== undefined) this.#checkpoints.set(JSON.stringify(committable), checkpoint)
    return committable
  }

  /** Makes all pending deliveries. A writer whose process is dead may never answer. */
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
