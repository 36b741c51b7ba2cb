import type { Clock, Random } from '@millrace/world'
import type { Inputs } from './inputs.ts'

/** The maximum delay after which splits appear, in milliseconds. */
const longestMs = 400

/** The splits of simulated sources that appear late in one life of the process. */
export class LateSplits {
  readonly #clock: Clock
  readonly #appearAtMs: number
  /** By source: the late splits that the job has not opened yet. */
  readonly #awaited: ReadonlyMap<string, Set<string>>

  constructor(awaited: ReadonlyMap<string, Set<string>>, clock: Clock, delayMs: number) {
    this.#awaited = awaited
    this.#clock = clock
    this.#appearAtMs = clock.monotonic() + delayMs
  }

  static none(clock: Clock): LateSplits {
    return new LateSplits(new Map(), clock, 0)
  }

  /** Chooses about half of the splits of each source, but none in `ended`, which the job may remember. */
  static draw(
    random: Random,
    inputs: Inputs,
    ended: (source: string, split: string) => boolean,
    clock: Clock,
  ): LateSplits {
    const awaited = new Map<string, Set<string>>()
    for (const [source, input] of inputs) {
      const open = [...input.keys()].filter((split) => !ended(source, split))
      const first = open[random.int(Math.max(1, open.length))]
      awaited.set(source, new Set(open.filter((split) => split === first || random.int(2) === 0)))
    }
    return new LateSplits(awaited, clock, 1 + random.int(longestMs))
  }

  /** Whether discovery does not return this split yet. A job that remembers it opens it anyway. */
  isMissing(source: string, split: string): boolean {
    return this.isAwaited(source, split) && this.missingMs > 0
  }

  /** The time until all have appeared, in milliseconds. */
  get missingMs(): number {
    return Math.max(0, this.#appearAtMs - this.#clock.monotonic())
  }

  /** Whether this split is late and the job has not opened it yet. */
  isAwaited(source: string, split: string): boolean {
    return this.#awaited.get(source)?.has(split) ?? false
  }

  /** Whether any split of these sources is late and not yet opened. */
  isAnyAwaited(sources: ReadonlySet<string>): boolean {
    for (const [source, splits] of this.#awaited) if (splits.size > 0 && sources.has(source)) return true
    return false
  }

  /** Called when the job has opened a split: discovery returns it from now on. */
  opened(source: string, split: string): void {
    this.#awaited.get(source)?.delete(split)
  }
}
