import type { EventTime, Key } from '@millrace/core'
import type { Operator, OperatorMetric } from '@millrace/core/operator'
import type { Batch } from '@millrace/core/connector'
import { keyGroup, keyGroupRange, keyToken, subtaskOfGroup } from '@millrace/core/store'
import {
  OperatorSubtask,
  type Emitted,
  type SavedState,
  type SubtaskSurroundings,
} from './operator-subtask.ts'

/** How an operator is run by `operatorHarness`. */
export interface HarnessOptions<In> {
  /** Returns the key of a record; absent for an operator without keys, or with several inputs. */
  readonly keyBy?: (value: In) => Key
  /** For an operator with several inputs: returns the key of a record, by input. An input without one is broadcast. */
  readonly inputs?: readonly (((value: In) => Key) | undefined)[]
  /** Its name in messages. Default: "operator". */
  readonly name?: string
  /** Its side outputs. */
  readonly outputs?: readonly string[]
  /** The error policy for records on which it throws; dead letters go to the side output `errors`. Default `'fail'`. */
  readonly onError?: 'fail' | 'skip' | 'deadLetter'
  /** The number of its subtasks. Default 1; more need `keyBy`. */
  readonly parallelism?: number
  /** Whether its outputs are full after each record. Default false. */
  readonly isTight?: boolean
}

/** A value with its event time; `NaN` on a stream without timestamps. */
export interface Timed<T> {
  readonly value: T
  readonly time: EventTime
}

/** A record of a batch, with the watermark it was emitted under. */
export interface BatchRecord<T> extends Timed<T> {
  readonly watermark: EventTime
  /** The number of the input it comes from. Default 0. */
  readonly input?: number
}

const keyGroups = 128
/** The last time that a date can have. */
const farthestTime: EventTime = 8.64e15

/**
 * Runs one operator in the engine's own chain, with time that the test controls.
 *
 * `create` creates the operator for each subtask, and again after each restart. Errors of the operator are thrown as
 * `OperatorError`. Throws `STATE_MISUSED` when it changed state in place without `set`, and `RECORD_MUTATED` when it
 * changed a record or a value that it had emitted. Records are frozen for this check.
 *
 * @example
 * const harness = operatorHarness(() => new RunningTotal(), { keyBy: (sale: Sale) => sale.shop })
 * harness.record({ shop: 'a', amount: 2 }, 1000)
 * harness.snapshotAndRestore()
 * harness.record({ shop: 'a', amount: 3 }, 2000)
 * harness.outputs // => [{ value: 2, time: 1000 }, { value: 5, time: 2000 }]
 */
export function operatorHarness<In>(
  create: () => Operator<In, unknown>,
  options: HarnessOptions<In> = {},
): OperatorHarness<In> {
  return new OperatorHarness(create, options)
}

/** A running operator under test. Made by `operatorHarness`. */
export class OperatorHarness<In> {
  /** Everything emitted to any output, in order. */
  readonly emitted: Emitted[] = []
  readonly #around: SubtaskSurroundings
  readonly #counts = new Map<OperatorMetric, number>()
  #subtasks: readonly OperatorSubtask[]
  #watermark: EventTime = Number.NEGATIVE_INFINITY
  #now = 0
  #shared: ReadonlySet<string> = new Set()

  constructor(create: () => Operator<In, unknown>, options: HarnessOptions<In>) {
    const keys = options.inputs ?? (options.keyBy === undefined ? [] : [options.keyBy])
    this.#around = {
      create,
      keys: keys as readonly (((value: unknown) => Key) | undefined)[],
      inputs: Math.max(1, keys.length),
      name: options.name ?? 'operator',
      outputs: options.outputs ?? [],
      onError: options.onError ?? 'fail',
      isTight: options.isTight ?? false,
      keyGroups,
      now: () => this.#now,
      emitted: (record) => this.emitted.push(record),
      count: (metric, by) => this.#counts.set(metric, this.counted(metric) + by),
    }
    this.#subtasks = this.#start(options.parallelism ?? 1, undefined)
  }

  /** The records of the main output. */
  get outputs(): readonly Timed<unknown>[] {
    return this.side('main')
  }

  /** The records of a side output. */
  side(output: string): readonly Timed<unknown>[] {
    return this.emitted
      .filter((record) => record.output === output)
      .map(({ value, time }) => ({ value, time }))
  }

  /** The value of one of the operator's counters. */
  counted(metric: OperatorMetric): number {
    return this.#counts.get(metric) ?? 0
  }

  /**
   * The number of cells in each of the operator's tables, over all subtasks; `#timers` has one for each keyed timer.
   */
  cells(): Readonly<Record<string, number>> {
    const sums = new Map<string, number>()
    for (const [index, subtask] of this.#subtasks.entries()) {
      for (const [table, size] of subtask.cells()) {
        // What is the same in every subtask counts once.
        if (index > 0 && subtask.shared.has(table)) continue
        sums.set(table, (sums.get(table) ?? 0) + size)
      }
    }
    return Object.fromEntries(sums)
  }

  /**
   * The same, once the watermark has passed everything: starts a later run that brings it to the farthest time. What is
   * left is not bound to event time.
   */
  cellsAtLast(): Readonly<Record<string, number>> {
    this.snapshotAndRestore()
    this.watermark(farthestTime)
    return this.cells()
  }

  /** The time of the next processing timer; infinity if there is none. */
  get nextProcessing(): number {
    return Math.min(...this.#subtasks.map((subtask) => subtask.nextProcessing))
  }

  /** Passes one record to the operator, on the input with the number `input`. */
  record(value: In, time: EventTime = Number.NaN, input = 0): void {
    this.batch([{ value, time, watermark: this.#watermark, input }])
  }

  /** Passes several records at once to the operator, each with the watermark it was emitted under. */
  batch(records: readonly BatchRecord<In>[]): void {
    const shares = this.#subtasks.map((): BatchRecord<In>[] => [])
    for (const record of records) {
      if (this.#isBroadcast(record)) for (const share of shares) share.push(record)
      else shares[this.#subtaskOf(record)]!.push(record)
    }
    for (const [subtask, share] of shares.entries()) {
      for (const run of runsOf(share)) this.#subtasks[subtask]!.process(batchOf(run), run[0]!.input ?? 0)
    }
    // The others hear of the watermark too, by a mark behind the batch.
    this.watermark(records.at(-1)?.watermark ?? this.#watermark)
  }

  /** Moves the watermark: records before `time` are late from now on. */
  watermark(time: EventTime): void {
    this.#watermark = Math.max(this.#watermark, time)
    for (const subtask of this.#subtasks) subtask.advance(this.#watermark)
  }

  /** Moves the clock to `now`, in milliseconds since the epoch. It starts at 0. */
  processingTime(now: number): void {
    this.#now = now
    for (const subtask of this.#subtasks) subtask.fireProcessing(now)
  }

  /** Ends the input: every event timer fires, then the operator finishes. */
  end(): void {
    for (const subtask of this.#subtasks) subtask.end()
    for (const subtask of this.#subtasks) subtask.close()
  }

  /** Encodes all state and continues. */
  snapshot(): void {
    for (const subtask of this.#subtasks) subtask.save()
  }

  /** Encodes all state and restores it into new operators, optionally at another parallelism. */
  snapshotAndRestore(parallelism: number = this.#subtasks.length): void {
    const saved = this.#subtasks.map((subtask) => subtask.save())
    this.#shared = this.#subtasks[0]!.shared
    for (const subtask of this.#subtasks) subtask.close()
    this.#subtasks = this.#start(parallelism, saved)
  }

  #start(parallelism: number, saved: readonly SavedState[] | undefined): readonly OperatorSubtask[] {
    return Array.from({ length: parallelism }, (_, index) => {
      const state = saved && shareOf(saved, this.#shared, index, parallelism)
      const groups = keyGroupRange(index, parallelism, keyGroups)
      return new OperatorSubtask(this.#around, index, groups, this.#watermark, state)
    })
  }

  #isBroadcast({ input = 0 }: BatchRecord<In>): boolean {
    return input > 0 && this.#around.keys[input] === undefined
  }

  #subtaskOf({ value, input = 0 }: BatchRecord<In>): number {
    const keyBy = this.#around.keys[input]
    if (keyBy === undefined || this.#subtasks.length === 1) return 0
    return subtaskOfGroup(keyGroup(keyToken(keyBy(value)), keyGroups), this.#subtasks.length, keyGroups)
  }
}

/** Groups consecutive records by input, because a batch contains records of one input. */
function runsOf<T>(records: readonly BatchRecord<T>[]): readonly (readonly BatchRecord<T>[])[] {
  const runs: BatchRecord<T>[][] = []
  for (const record of records) {
    const run = runs.at(-1)
    if (run !== undefined && (run[0]!.input ?? 0) === (record.input ?? 0)) run.push(record)
    else runs.push([record])
  }
  return runs
}

function batchOf<T>(records: readonly BatchRecord<T>[]): Batch<T> {
  return {
    length: records.length,
    values: records.map(({ value }) => value),
    times: Float64Array.from(records, ({ time }) => time),
    watermarks: Float64Array.from(records, ({ watermark }) => watermark),
    origin: undefined,
    originIndex: undefined,
    headers: undefined,
  }
}

/** Returns the saved cells that belong to subtask `index` of `parallelism`, and those that all subtasks share. */
function shareOf(
  saved: readonly SavedState[],
  shared: ReadonlySet<string>,
  index: number,
  parallelism: number,
): SavedState {
  const { first, last } = keyGroupRange(index, parallelism, keyGroups)
  const names = new Set(saved.flatMap((state) => [...state.keys()]))
  return new Map(
    [...names].map((name) => [
      name,
      shared.has(name)
        ? saved[0]!.get(name)!
        : saved
            .flatMap((state) => state.get(name) ?? [])
            .filter(({ group }) => group >= first && group <= last),
    ]),
  )
}
