import type { Key } from '../record/key.ts'
import type { Fingerprint } from '../state/fingerprint.ts'
import type { Step } from './fuse.ts'
import type { Operator } from './operator.ts'

/**
 * The description of a chain: operators that run in one task as direct calls. A tree, because an output may
 * have several readers and every part but a union has one input.
 */
export interface ChainPart {
  readonly name: string
  readonly onError: 'fail' | 'skip' | 'deadLetter'
  readonly work: ChainWork
  /** Where each output goes, by output name. An output that is missing goes nowhere. */
  readonly targets: ReadonlyMap<string, readonly ChainTarget[]>
}

export type ChainWork =
  | { readonly kind: 'step'; readonly step: Step }
  | {
      readonly kind: 'operator'
      readonly create: () => Operator<unknown, unknown>
      /** The key of each record; undefined for an operator without a key. */
      readonly keyBy: ((value: unknown) => Key) | undefined
      /** What checkpoints say that it keeps; an operator that files anything else is refused. Absent: not checked. */
      readonly fingerprint?: Fingerprint | undefined
    }

/** The next part of the chain, or one of the task's outputs by number. */
export type ChainTarget =
  | { readonly kind: 'part'; readonly part: ChainPart }
  | { readonly kind: 'port'; readonly port: number }
