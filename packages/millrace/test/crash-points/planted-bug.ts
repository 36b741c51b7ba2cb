import type { trials } from './trials.ts'

/** A bug that somebody might write, and what must find it. */
export interface PlantedBug<Plant> {
  /** What is wrong, as a sentence. */
  readonly name: string
  readonly plant: Plant
  readonly trial: keyof typeof trials
  /** Where on the disk the bug shows, for the trial to begin there. */
  readonly near: RegExp
  /** What the broken promise says. Found by something else, the bug would be another than was meant. */
  readonly shows: RegExp
}
