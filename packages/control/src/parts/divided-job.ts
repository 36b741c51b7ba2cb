import type { Clock } from '@millrace/world'
import type { Key } from '@millrace/core'
import type { Graph } from '@millrace/core/graph'
import type { StoredStateOptions } from '@millrace/core/job'

/** Where a part of a job is. */
export interface PartOwner {
  /** The control API of the worker that runs it; undefined if others do not reach that. */
  readonly address: string | undefined
}

/** A job that several workers run together, each some of its parts, as one of them knows it. */
export interface DividedJob {
  readonly name: string
  /** Into how many parts it is divided. Their names are `NAME/0`, `NAME/1` and so on. */
  readonly parts: number
  /** The graph of all parts together. */
  readonly graph: Graph
  readonly clock: Clock
  /** How many workers there are; 0 while this one is no member of their group. */
  workers(): number
  /** The part that has what an operator keeps for a key; undefined if any of them may have it. */
  partOf(operator: string, key: Key): number | undefined
  /** Who has a part, also while it is still being restored there; undefined while it moves. */
  ownerOf(part: number): PartOwner | undefined
  /** The control APIs of the workers that keep a copy of the state of a part. */
  copiesOf(part: number): readonly string[]
  /** Ends the job, in all workers. Resolves when they have been asked. */
  end(how: 'stop' | 'drain'): void
  /** The copy that this worker keeps. */
  copyHere(part: number): StoredStateOptions | undefined
}

/** The name of a part. */
export function partName({ name }: DividedJob, part: number): string {
  return `${name}/${part}`
}
