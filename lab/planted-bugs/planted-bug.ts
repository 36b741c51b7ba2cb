import type { ChangedLine } from './mutant.ts'
import type { trials } from '../crash-points/trials.ts'
import type { Feature } from '../topologies/feature.ts'

/** A mistake that somebody might make: one place in one source file, written differently. */
interface Mistake {
  /** What is wrong, as a sentence. */
  readonly name: string
  /** The text in `from` must occur exactly once in its file, which is relative to `packages`. */
  readonly plant: ChangedLine
  /** What the catcher says. A bug that is caught for another reason is not the bug that was meant. */
  readonly shows: RegExp
}

/** A mistake, and what must catch it. */
export interface PlantedBug extends Mistake {
  readonly caughtBy: Catcher
}

export type Catcher =
  /** `simulateSeeds` over the pipelines of `pipelines.ts`. `seed` is the first that is known to catch it. */
  | { readonly kind: 'simulator'; readonly seed: number }
  /** Drawn topologies and their oracle; if need be only those that have a feature. */
  | { readonly kind: 'topologies'; readonly seed: number; readonly feature?: Feature | undefined }
  /** A trial of `crash-points`, beginning where the disk operation is like `near`. */
  | { readonly kind: 'crash points'; readonly trial: keyof typeof trials; readonly near: RegExp }
  /** The laws of channels, each under many schedules. */
  | { readonly kind: 'schedules' }
  /** Test files, relative to the workspace. `shows` matches the name of a test that fails. */
  | { readonly kind: 'tests'; readonly files: readonly string[] }

/** A mistake that the simulator must find. */
export interface SimulatorBug extends Mistake {
  readonly seed: number
}

/** A mistake that drawn topologies must find. */
export interface TopologyBug extends Omit<Mistake, 'shows'> {
  readonly seed: number
  /** What a topology must have to show it, where that is drawn seldom. */
  readonly feature?: Feature
}

/** A mistake that a trial of crash points must find. */
export interface DiskBug extends Mistake {
  readonly trial: keyof typeof trials
  readonly near: RegExp
}

/** A mistake in the channels. */
export type ChannelBug = Mistake

/** A mistake that tests must find. */
export interface TestedBug extends Mistake {
  readonly files: readonly string[]
}
