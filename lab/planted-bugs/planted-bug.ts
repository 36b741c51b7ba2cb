import type { ChangedLine } from './mutant.ts'
import type { trials } from '../crash-points/trials.ts'
import type { Feature } from '../topologies/feature.ts'

/** A plausible bug: a change to one place in one source file. */
interface Mistake {
  /** The bug, as a sentence. */
  readonly name: string
  /** The text in `from` must occur exactly once in its file, which is relative to `packages`. */
  readonly plant: ChangedLine
  /** The catcher's message. A bug that is caught for another reason is not the intended one. */
  readonly shows: RegExp
}

/** A bug and its catcher. */
export interface PlantedBug extends Mistake {
  readonly caughtBy: Catcher
}

export type Catcher =
  /** `simulateSeeds` over the pipelines of `pipelines.ts`. `seed` is the first one known to catch it. */
  | { readonly kind: 'simulator'; readonly seed: number }
  /** Drawn topologies and their oracle; optionally only those with a feature. */
  | { readonly kind: 'topologies'; readonly seed: number; readonly feature?: Feature | undefined }
  /** Drawn clusters of `lab/cluster`. `seed` is the first one known to catch it. */
  | { readonly kind: 'clusters'; readonly seed: number }
  /** A trial of `crash-points`, beginning at a disk operation that matches `near`. */
  | { readonly kind: 'crash points'; readonly trial: keyof typeof trials; readonly near: RegExp }
  /** The laws of channels, each under many schedules. */
  | { readonly kind: 'schedules' }
  /** Test files, relative to the workspace. `shows` matches the name of a failing test. */
  | { readonly kind: 'tests'; readonly files: readonly string[] }

/** A bug that the simulator must find. */
export interface SimulatorBug extends Mistake {
  readonly seed: number
}

/** A bug that drawn topologies must find. */
export interface TopologyBug extends Omit<Mistake, 'shows'> {
  readonly seed: number
  /** The feature that shows it, if that is drawn rarely. */
  readonly feature?: Feature
}

/** A bug that drawn clusters must find. */
export interface ClusterBug extends Omit<Mistake, 'shows'> {
  readonly seed: number
}

/** A bug that a trial of crash points must find. */
export interface DiskBug extends Mistake {
  readonly trial: keyof typeof trials
  readonly near: RegExp
}

/** A bug in the channels. */
export type ChannelBug = Mistake

/** A bug that tests must find. */
export interface TestedBug extends Mistake {
  readonly files: readonly string[]
}
