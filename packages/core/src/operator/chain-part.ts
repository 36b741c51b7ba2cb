import type { Fingerprint } from '../state/fingerprint.ts'
import type { Step } from './fuse.ts'
import type { KeySelectors } from './key-kinds.ts'
import type { Operator } from './operator.ts'

/**
 * The description of a chain: operators that run in one task as direct calls. An acyclic graph: an output may
 * have several readers, and an operator with several inputs is the target of several parts.
 */
export interface ChainPart {
  readonly name: string
  readonly onError: 'fail' | 'skip' | 'deadLetter'
  /** Whether a record that fails is tried again. Only the first part of a task is. */
  readonly isRetried?: boolean
  readonly work: ChainWork
  /** The targets of each output, by output name. A missing output is dropped. */
  readonly targets: ReadonlyMap<string, readonly ChainTarget[]>
}

export type ChainWork =
  | { readonly kind: 'step'; readonly step: Step }
  | {
      readonly kind: 'operator'
      readonly create: () => Operator<unknown, unknown>
      /** The key selectors, by input. Empty: the operator has no key. */
      readonly keys: KeySelectors
      /** The fingerprint of its state; other pieces of state are rejected. Absent: not checked. */
      readonly fingerprint?: Fingerprint | undefined
    }

/** The next part of the chain, at one of its inputs, or one of the task's outputs by number. */
export type ChainTarget =
  | {
      readonly kind: 'part'
      readonly part: ChainPart
      /** The input of an operator with several. Default 0. */
      readonly input?: number
    }
  | { readonly kind: 'port'; readonly port: number }
