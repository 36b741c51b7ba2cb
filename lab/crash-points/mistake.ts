import type { Surroundings } from './life.ts'
import type { trials } from './trials.ts'

/** A bug in a part around the engine, and the trial that must catch it. */
export interface Mistake {
  /** The bug, as a sentence. */
  readonly name: string
  readonly plant: Surroundings
  readonly trial: keyof typeof trials
  /** The disk operation near which it shows; the trial begins there. */
  readonly near: RegExp
  /** The message of the broken promise. A bug that is caught for another reason is not the intended one. */
  readonly shows: RegExp
}
