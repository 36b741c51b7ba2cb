import type { Key } from '@millrace/core'
import type { OperatorOptions, Timing } from '../stream-options.ts'
import type { ValueSeed } from './seed.ts'
import type { TtlOption } from './ttl.ts'

/** Options of `reduce` and `scan`. */
export interface StatefulOptions<Row, K, V, Time extends Timing> extends OperatorOptions, TtlOption {
  /** Values that keys begin with, applied once before the first record. Default: none. */
  readonly seed?: ValueSeed<Row, K, V, Time>
}

/** The same with erased types. */
export type AnyStatefulOptions = StatefulOptions<unknown, Key, unknown, 'timed'>
