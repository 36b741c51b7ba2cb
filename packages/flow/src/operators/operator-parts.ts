import type { OperatorView, Seed } from '@millrace/core/graph'
import type { ExpiryClock, Fingerprint, Operator, TimeToLive } from '@millrace/core/operator'
import { lifeText } from './ttl.ts'

/** The fields of an operator node besides its input and its name. */
export interface OperatorParts {
  readonly type: string
  readonly emitsLater?: boolean
  readonly fingerprint: Fingerprint | undefined
  readonly outputs: readonly string[]
  /** Those that the user has declared: one without a reader is reported. */
  readonly declared?: readonly string[]
  readonly keeps?: string
  /** `event`: it needs a stream with timestamps, because its state expires by them. */
  readonly clock?: ExpiryClock | undefined
  /** What its state begins with. */
  readonly seed?: Seed | undefined
  /** Through which the program reads its state. */
  readonly view?: OperatorView | undefined
  readonly create: () => Operator<unknown, unknown>
}

/** What `explain` says about an operator that keeps one value for each key. */
export function valueText(ttl: TimeToLive | undefined): string {
  return `one value of each key, ${lifeText(ttl) ?? 'never dropped'}`
}
