import type { Clock, Random } from '@millrace/world'
import type { Inputs } from './inputs.ts'

/** How long splits stay away at most, in milliseconds. */
const longestMs = 400

/** The splits of simulated sources that appear late in one life of the process. */
export class LateSplits {
  readonly #clock: Clock
  readonly #appearAtMs: number
  /** By source: those that the job has not opened yet. */
  readonly #awaited: ReadonlyMap<string, Set<string>>

  constructor(awaited: ReadonlyMap<string, Set<string>>, clock: Clock, delayMs: number) {
    this.#awaited = awaited
    this.#clock = clock
    this.#appearAtMs = clock.monotonic() + delayMs
  }

  static none(clock: Clock): LateSplits {
    return new LateSplits(new Map(), clock, 0)
  }

  /** Chooses about half of the splits of each source, but none that has `ended`: the job may remember that. */
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

  /** Whether the source does not name this split yet. A job that remembers it opens it all the same. */
  isMissing(source: string, split: string): boolean {
    return this.isAwaited(source, split) && this.missingMs > 0
  }

  /** How long it takes until they are all there, in milliseconds. */
  get missingMs(): number {
    return Math.max(0, this.#appearAtMs - this.#clock.monotonic())
  }

  /** Whether this split is late and the job has not opened it yet. */
  isAwaited(source: string, split: string): boolean {
    return this.#awaited.get(source)?.has(split) ?? false
  }

  /** Whether that holds for any split of these sources. */
  isAnyAwaited(sources: ReadonlySet<string>): boolean {
    for (const [source, splits] of this.#awaited) if (splits.size > 0 && sources.has(source)) return true
    return false
  }

  /** The job has opened a split: from now on it is named. */
  opened(source: string, split: string): void {
    this.#awaited.get(source)?.delete(split)
  }
}
