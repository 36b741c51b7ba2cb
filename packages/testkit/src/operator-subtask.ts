import type { Codec, EventTime, Key } from '@millrace/core'
import { Chain, Cursor, type Operator, type OperatorMetric } from '@millrace/core/operator'
import type { Batch } from '@millrace/core/connector'
import type { KeyGroupRange } from '@millrace/core/store'
import { checkedOperator } from '@millrace/core/graph'
import { WatchedTable, type SavedCell } from './watched-table.ts'

/** A record that an operator emitted. */
export interface Emitted {
  readonly output: string
  readonly value: unknown
  readonly time: EventTime
}

/** The parts that a subtask shares with its harness. */
export interface SubtaskSurroundings {
  readonly create: () => Operator<unknown, unknown>
  /** Key selectors by input; empty for an operator without keys. */
  readonly keys: readonly (((value: unknown) => Key) | undefined)[]
  readonly inputs: number
  readonly name: string
  readonly outputs: readonly string[]
  readonly onError: 'fail' | 'skip' | 'deadLetter'
  readonly keyGroups: number
  /** Whether an output is full after every record, so that the operator is called again and again. */
  readonly isTight: boolean
  now(): number
  emitted(record: Emitted): void
  count(metric: OperatorMetric, by: number): void
}

/** The number of cells by table. */
export type SavedState = ReadonlyMap<string, readonly SavedCell[]>

/** One operator in its own chain of the engine, on tables that detect unannounced changes. */
export class OperatorSubtask {
  readonly #cursor = new Cursor()
  readonly #tables: WatchedTable<unknown>[] = []
  /** The tables that are the same in every subtask. */
  readonly shared: Set<string> = new Set()
  readonly #chain: Chain

  constructor(
    around: SubtaskSurroundings,
    index: number,
    groups: KeyGroupRange,
    watermark: EventTime,
    state: SavedState | undefined,
  ) {
    const outputs = ['main', ...around.outputs, 'errors']
    const part = {
      name: around.name,
      onError: around.onError,
      work: { kind: 'operator', create: () => checkedOperator(around.create()), keys: around.keys },
      targets: new Map(outputs.map((output, port) => [output, [{ kind: 'port', port }]] as const)),
    } as const
    const inputs = Array.from(
      { length: around.inputs },
      (_, input) => [{ kind: 'part', part, input }] as const,
    )
    this.#chain = new Chain(inputs, {
      pipeline: 'harness',
      subtask: index,
      keyGroups: around.keyGroups,
      cursor: this.#cursor,
      // As if the event loop needed a turn after each unit of work: every call must be one that can be made again.
      budget: { spend: () => around.isTight },
      ports: outputs.map((output) => ({
        receive: (value, time) => {
          around.emitted({ output, value, time })
          if (around.isTight) this.#cursor.isFull = true
        },
      })),
      now: () => around.now(),
      table: (_, spec, isShared) => {
        if (isShared === true) this.shared.add(spec.name)
        return this.#table(around.name, spec)
      },
      count: (_, metric, by) => around.count(metric, by),
      history: () => undefined,
      warn: () => {},
    })
    for (const table of this.#tables) table.restore(state?.get(table.name) ?? [])
    const restored = state && {
      groups,
      reached: () => [{ ...groups, watermark, hasEnded: false, firedTo: Number.NEGATIVE_INFINITY }],
    }
    while (!this.#chain.start(restored));
  }

  /** The time of the next processing timer; infinity if there is none. */
  get nextProcessing(): number {
    return this.#chain.nextProcessing
  }

  process(batch: Batch, input: number): void {
    let next = 0
    this.#untilDone(() => {
      next = this.#chain.process(batch, next, batch.watermarks, input)
      return next === batch.length
    })
  }

  advance(watermark: EventTime): void {
    this.#untilDone(() => this.#chain.advance(watermark))
  }

  fireProcessing(now: number): void {
    this.#untilDone(() => this.#chain.fireProcessing(now))
  }

  end(): void {
    this.#untilDone(() => this.#chain.end())
  }

  close(): void {
    this.#chain.close((error) => {
      throw error
    })
  }

  /** The number of cells in each table. */
  cells(): ReadonlyMap<string, number> {
    return new Map(this.#tables.map((table) => [table.name, table.size]))
  }

  save(): SavedState {
    return new Map(this.#tables.map((table) => [table.name, table.save()]))
  }

  #table<T>(operator: string, spec: { readonly name: string; readonly codec: Codec<T> }): WatchedTable<T> {
    const table = new WatchedTable(operator, spec)
    this.#tables.push(table)
    return table
  }

  #untilDone(step: () => boolean): void {
    let isDone = false
    while (!isDone) {
      this.#cursor.isFull = false
      isDone = step()
      for (const table of this.#tables) table.check()
    }
  }
}
