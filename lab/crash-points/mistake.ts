import type { Surroundings } from './life.ts'
import type { trials } from './trials.ts'

/** A mistake that a part around the engine can make, and what must catch it. */
export interface Mistake {
  /** What is wrong, as a sentence. */
  readonly name: string
  readonly plant: Surroundings
  readonly trial: keyof typeof trials
  /** Where on the disk it shows, for the trial to begin there. */
  readonly near: RegExp
  /** What the broken promise says. A mistake that is caught for another reason is not the one that was meant. */
  readonly shows: RegExp
}
