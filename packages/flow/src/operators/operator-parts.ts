import type { Fingerprint, Operator } from '@millrace/core/operator'

/** The fields of an operator node besides its input and its name. */
export interface OperatorParts {
  readonly type: string
  readonly fingerprint: Fingerprint | undefined
  readonly outputs: readonly string[]
  readonly keeps?: string
  readonly create: () => Operator<unknown, unknown>
}

/** What `explain` says about an operator that keeps one value for each key. */
export const oneValue = 'one value of each key, never dropped'
