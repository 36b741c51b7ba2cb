import { MillraceError } from '../errors/errors.ts'
import type { Graph } from '../graph/node.ts'

/** What sources are steered by: an attempt of a job. */
interface Steerable {
  pause(source: string, isPaused: boolean): void
  endInput(source: string): void
}

/** The sources that were paused or ended from outside. A restart keeps that. */
export class SteeredSources {
  readonly #names: readonly string[]
  readonly #paused = new Set<string>()
  readonly #ended = new Set<string>()

  constructor({ nodes }: Graph) {
    this.#names = nodes.filter(({ kind }) => kind === 'source').map(({ name }) => name)
  }

  get paused(): readonly string[] {
    return [...this.#paused]
  }

  /** Throws `OPTION_INVALID` if there is no such source. */
  pause(source: string, isPaused: boolean, attempt: Steerable | undefined): void {
    this.#require(source)
    if (isPaused) this.#paused.add(source)
    else this.#paused.delete(source)
    attempt?.pause(source, isPaused)
  }

  /** Throws `OPTION_INVALID` if there is no such source. */
  end(source: string, attempt: Steerable | undefined): void {
    this.#require(source)
    this.#ended.add(source)
    attempt?.endInput(source)
  }

  /** Brings an attempt that has started to where earlier ones were. */
  applyTo(attempt: Steerable | undefined): void {
    for (const source of this.#paused) attempt?.pause(source, true)
    for (const source of this.#ended) attempt?.endInput(source)
  }

  #require(source: string): void {
    if (this.#names.includes(source)) return
    const names = this.#names.map((name) => `'${name}'`).join(', ')
    throw new MillraceError('OPTION_INVALID', `the pipeline has no source '${source}'; it has ${names}`)
  }
}
