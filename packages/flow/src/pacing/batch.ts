import {
  ByteWriter,
  positiveDurationMs,
  requireKnown,
  structuredCodec,
  type Duration,
  type Key,
} from '@millrace/core'
import {
  statePiece,
  type Collector,
  type Operator,
  type OperatorContext,
  type ListState,
  type StreamRecord,
  type Timer,
  type ValueState,
} from '@millrace/core/operator'
import { wholeNumber } from '../retry-rules.ts'
import type { OperatorParts } from '../operators/operator-parts.ts'
import type { OperatorOptions } from '../stream-options.ts'
import { requireSynchronous } from '../synchronous.ts'
import {
  deleteDue,
  dueText,
  isDueBy,
  requireOneOf,
  setDue,
  type PacingClock,
  type PacingClockOption,
} from './pacing-clock.ts'

/** Options of `batch`. At least one limit is needed; the first that is reached ends a batch. */
export interface BatchOptions<T> extends OperatorOptions, PacingClockOption {
  /** The number of records that fill a batch. */
  readonly size?: number
  /**
   * The bytes that a batch may have: a record that would exceed them begins the next one. A larger record is a
   * batch of its own.
   */
  readonly bytes?: number
  /** Returns the bytes of a value. Default: the length of its encoding in checkpoints. */
  readonly bytesOf?: (value: T) => number
  /** How long after its first record a batch ends at the latest, by `clock`. */
  readonly time?: Duration
}

/** A batch of one key. */
export interface KeyedBatch<K, T> {
  readonly key: K
  readonly values: readonly T[]
}

interface BatchLimits {
  readonly size: number
  readonly bytes: number
  readonly bytesOf: (value: unknown) => number
  readonly timeMs: number | undefined
  readonly clock: PacingClock
}

/** The open batch: how many records and bytes it has, and when it ends. */
interface OpenBatch {
  readonly count: number
  readonly bytes: number
  readonly due: number | undefined
}

const nothing: OpenBatch = { count: 0, bytes: 0, due: undefined }

/** Gathers records of each key until a limit is reached. The open batch is state, so a restart continues it. */
class BatchOperator implements Operator<unknown, unknown> {
  readonly #limits: BatchLimits
  readonly #hasKey: boolean
  #values!: ListState<unknown>
  #open!: ValueState<OpenBatch>
  #context!: OperatorContext

  constructor(limits: BatchLimits, hasKey: boolean) {
    this.#limits = limits
    this.#hasKey = hasKey
  }

  open(context: OperatorContext): void {
    this.#context = context
    this.#values = context.list({ name: 'values' })
    this.#open = context.value({ name: 'open' })
  }

  process({ value, time, key }: StreamRecord<unknown>, out: Collector<unknown>): void {
    const { size, bytes, bytesOf } = this.#limits
    const added = bytesOf(value)
    let open = this.#open.get() ?? nothing
    if (open.count > 0 && open.bytes + added > bytes) {
      this.#flush(key!, out)
      open = nothing
    }
    this.#values.add(value)
    const due = open.due ?? this.#start(time)
    this.#open.set({ count: open.count + 1, bytes: open.bytes + added, due })
    if (open.count + 1 >= size || open.bytes + added >= bytes) this.#flush(key!, out)
  }

  onTimer({ key }: Timer, out: Collector<unknown>): void {
    this.#flush(key, out)
  }

  onEnd(key: Key, out: Collector<unknown>): void {
    this.#flush(key, out)
  }

  #start(time: number): number | undefined {
    const { timeMs, clock } = this.#limits
    return timeMs === undefined ? undefined : setDue(this.#context, clock, time, timeMs)
  }

  #flush(key: Key, out: Collector<unknown>): void {
    const open = this.#open.get()
    if (open === undefined) return
    const values = this.#values.get()
    this.#values.clear()
    this.#open.clear()
    if (open.due !== undefined) deleteDue(this.#context, this.#limits.clock, open.due)
    out.emit(this.#hasKey ? { key, values } : values)
  }
}

/** The parts of the node of `batch`. */
export function batchParts(name: string, options: BatchOptions<unknown>, hasKey: boolean): OperatorParts {
  requireKnown(`batch '${name}'`, options, ['onError', 'size', 'bytes', 'bytesOf', 'time', 'clock'])
  requireOneOf(`batch '${name}'`, options, ['size', 'bytes', 'time'])
  const { size, bytes, bytesOf, time } = options
  if (bytesOf !== undefined) requireSynchronous(bytesOf, 'batch', name)
  const limits: BatchLimits = {
    size: size === undefined ? Number.POSITIVE_INFINITY : wholeNumber(size, `size of '${name}'`),
    bytes: bytes === undefined ? Number.POSITIVE_INFINITY : wholeNumber(bytes, `bytes of '${name}'`),
    bytesOf: bytes === undefined ? () => 0 : (bytesOf ?? encodedLength()),
    timeMs: time === undefined ? undefined : positiveDurationMs(time, `time of '${name}'`),
    clock: isDueBy(options, `batch '${name}'`),
  }
  return {
    type: 'batch',
    emitsLater: true,
    fingerprint: {
      pieces: [statePiece('list', { name: 'values' }), statePiece('value', { name: 'open' })],
      settings: time === undefined ? [] : [{ name: 'clock', value: limits.clock }],
    },
    outputs: [],
    keeps: `the open batch${hasKey ? ' of each key' : ''}${dueText(time, limits.clock)}`,
    clock: time === undefined ? undefined : limits.clock,
    create: () => new BatchOperator(limits, hasKey),
  }
}

function encodedLength(): (value: unknown) => number {
  const codec = structuredCodec<unknown>()
  const writer = new ByteWriter()
  return (value) => {
    writer.reset()
    codec.encode(value, writer)
    return writer.length
  }
}
