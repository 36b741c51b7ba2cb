import { noHeaders, type EventTime, type Key, type RecordHeaders } from '@millrace/core'
import type {
  Collector,
  EarlierSetting,
  ListState,
  MapState,
  Operator,
  OperatorContext,
  OrderedMapState,
  OperatorMetric,
  StateContext,
  StateDescriptor,
  StreamRecord,
  Timer,
  Timers,
  TimersAtEnd,
  ValueState,
} from '@millrace/core/operator'
import { keyToken, type KeyToken, type StateTable } from '@millrace/core/store'
import { boxed, lineOf, unboxed } from './box.ts'
import type { CallWatch } from './call-watch.ts'
import type { WorkWatch } from './work-watch.ts'

/** Wraps the user's operator: unboxes its input and boxes its output, with one line per key. */
export class BoxedOperator implements Operator<unknown, unknown> {
  readonly #name: string
  readonly #inner: Operator<unknown, unknown>
  readonly #watch: CallWatch
  readonly #work: WorkWatch
  /** Identifies the firing subtask and operator for `work`. */
  #firing = ''
  readonly #out: BoxingCollector
  readonly #record: { value: unknown; time: EventTime; key: Key | undefined; headers: RecordHeaders }
  readonly timersAtEnd: TimersAtEnd
  /** Defined only where the user's operator has it: the engine goes through all keys to call it. */
  readonly onEnd?: (key: Key, out: Collector<unknown>) => void

  constructor(name: string, inner: Operator<unknown, unknown>, watch: CallWatch, work: WorkWatch) {
    this.timersAtEnd = inner.timersAtEnd ?? 'fire'
    if (inner.onEnd !== undefined) {
      this.onEnd = (key, out) => {
        watch.waitsForTime(name)
        work.count(this.#firing)
        this.#out.begin(out, key, null)
        watch.call(name, () => inner.onEnd!(key, this.#out))
      }
    }
    this.#name = name
    this.#inner = inner
    this.#watch = watch
    this.#work = work
    this.#out = new BoxingCollector(name, watch)
    this.#record = { value: undefined, time: Number.NaN, key: undefined, headers: noHeaders }
  }

  open(context: OperatorContext): void {
    this.#firing = `a timer or an end of '${this.#name}', subtask ${context.subtask}, fired`
    this.#inner.open?.(new BoxingContext(context, this.#out, this.#watch))
  }

  restored(): Iterable<undefined> | void {
    return this.#inner.restored?.()
  }

  seeded(row: Omit<StreamRecord<unknown>, 'headers'>): void {
    this.#watch.call(this.#name, () => this.#inner.seeded?.(row))
  }

  process(record: StreamRecord<unknown>, out: Collector<unknown>, input: number): void {
    const { value, time, key, headers } = record
    this.#out.begin(out, key, lineOf(value))
    const inner = this.#record
    inner.value = unboxed(value)
    inner.time = time
    inner.key = key
    inner.headers = headers
    this.#watch.call(this.#name, () => this.#inner.process(inner, this.#out, input))
  }

  onTimer(timer: Timer, out: Collector<unknown>): void {
    this.#work.count(this.#firing)
    this.#out.begin(out, timer.key, null)
    this.#watch.call(this.#name, () => this.#inner.onTimer?.(timer, this.#out))
  }

  finish(out: Collector<unknown>): void {
    this.#out.begin(out, undefined, null, true)
    this.#watch.call(this.#name, () => this.#inner.finish?.(this.#out))
  }

  close(): void {
    this.#inner.close?.()
  }
}

/** Boxes emitted values. It knows the current key, which the side outputs need as well. */
class BoxingCollector implements Collector<unknown> {
  readonly #name: string
  readonly #watch: CallWatch
  #target!: Collector<unknown>
  #key: Key | undefined
  #inputLine: string | null = null
  #line: string | null | undefined
  #isAtEnd = false

  constructor(name: string, watch: CallWatch) {
    this.#name = name
    this.#watch = watch
  }

  begin(target: Collector<unknown>, key: Key | undefined, inputLine: string | null, isAtEnd = false): void {
    this.#isAtEnd = isAtEnd
    this.#target = target
    this.#key = key
    this.#inputLine = inputLine
    this.#line = undefined
  }

  emit(value: unknown): void {
    this.#target.emit(this.box(value))
  }

  emitAt(time: EventTime, value: unknown): void {
    this.#target.emitAt(time, this.box(value))
  }

  box(value: unknown): unknown {
    this.#watch.emitted(this.#name, value)
    if (this.#isAtEnd) this.#watch.waitsForTime(this.#name)
    this.#line ??=
      this.#key === undefined ? this.#inputLine : `${this.#name}, key ${String(keyToken(this.#key))}`
    return boxed(this.#line, value)
  }
}

/** The engine's context, with boxes around values for side outputs. */
class BoxingContext implements OperatorContext {
  readonly name: string
  readonly subtask: number
  readonly timers: Timers
  readonly shared: StateContext
  readonly #inner: OperatorContext
  readonly #main: BoxingCollector
  readonly #watch: CallWatch

  constructor(inner: OperatorContext, main: BoxingCollector, watch: CallWatch) {
    this.name = inner.name
    this.subtask = inner.subtask
    this.#inner = inner
    this.#main = main
    this.#watch = watch
    this.shared = inner.shared
    const { timers } = inner
    this.timers = {
      setEvent: (time, name) => {
        watch.waitsForTime(inner.name)
        timers.setEvent(time, name)
      },
      deleteEvent: (time, name) => timers.deleteEvent(time, name),
      setProcessing: (time, name) => {
        watch.usedClock(inner.name)
        timers.setProcessing(time, name)
      },
      deleteProcessing: (time, name) => timers.deleteProcessing(time, name),
      list: () => {
        watch.waitsForTime(inner.name)
        return timers.list()
      },
      setSweep: (time, name, keys) => {
        watch.waitsForTime(inner.name)
        timers.setSweep(time, name, keys)
      },
    }
  }

  // An early end of the input takes event time to its end: records behind it find another watermark.
  watermark(): EventTime {
    this.#watch.waitsForTime(this.name)
    return this.#inner.watermark()
  }

  lowestWatermark(): EventTime {
    this.#watch.waitsForTime(this.name)
    return this.#inner.lowestWatermark()
  }

  setHeaders(headers: RecordHeaders | undefined): void {
    this.#inner.setHeaders(headers)
  }

  now(): number {
    this.#watch.usedClock(this.name)
    return this.#inner.now()
  }

  value<T>(descriptor: StateDescriptor<T>): ValueState<T> {
    return this.#watch.value(this.name, this.#inner.value(this.#seen(descriptor)), descriptor)
  }

  list<T>(descriptor: StateDescriptor<T>): ListState<T> {
    return this.#inner.list(this.#seen(descriptor))
  }

  map<K extends Key, V>(descriptor: StateDescriptor<V>): MapState<K, V> {
    return this.#watch.map(this.name, this.#inner.map<K, V>(this.#seen(descriptor)), descriptor)
  }

  orderedMap<K extends Key, V>(descriptor: StateDescriptor<V>): OrderedMapState<K, V> {
    return this.#inner.orderedMap(this.#seen(descriptor))
  }

  table<T>(descriptor: StateDescriptor<T>): StateTable<T> {
    return this.#inner.table(this.#seen(descriptor))
  }

  earlier(setting: string): readonly EarlierSetting[] {
    return this.#inner.earlier(setting)
  }

  output<T>(name: string): Collector<T> {
    const side = this.#inner.output<unknown>(name)
    return {
      emit: (value) => side.emit(this.#main.box(value)),
      emitAt: (time, value) => side.emitAt(time, this.#main.box(value)),
    }
  }

  keyToken(): KeyToken {
    return this.#inner.keyToken()
  }

  keyGroup(): number {
    return this.#inner.keyGroup()
  }

  count(metric: OperatorMetric, by?: number): void {
    this.#inner.count(metric, by)
  }

  /** State that expires makes results depend on the time by which it does. */
  #seen<T>(descriptor: StateDescriptor<T>): StateDescriptor<T> {
    const expiresBy = descriptor.ttl?.clock
    if (expiresBy === 'processing') this.#watch.usedClock(this.name)
    else if (expiresBy === 'event') this.#watch.expiresByTime(this.name)
    return descriptor
  }
}
