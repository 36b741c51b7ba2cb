import type { Collector, Operator, OperatorContext, StreamRecord, Timer } from '../operator/operator.ts'
import type { NotAPromise } from '../errors/synchronous.ts'
import type { ListState } from '../state/handles.ts'
import type { ImmutabilityCheck } from './immutability-check.ts'

/** An operator whose records, results and lists are checked to stay as they are. */
export class CheckedOperator implements Operator<unknown, unknown> {
  readonly #inner: Operator<unknown, unknown>
  readonly #check: ImmutabilityCheck

  constructor(inner: Operator<unknown, unknown>, check: ImmutabilityCheck) {
    this.#inner = inner
    this.#check = check
  }

  open(context: OperatorContext): void {
    this.#inner.open?.(checkedContext(context, this.#check))
  }

  restored(): Iterable<undefined> | void {
    return this.#inner.restored?.()
  }

  process(record: StreamRecord<unknown>, out: Collector<unknown>): NotAPromise {
    return this.#check.call(record.value, () =>
      this.#inner.process(record, checkedCollector(out, this.#check)),
    )
  }

  onTimer(timer: Timer, out: Collector<unknown>): NotAPromise {
    return this.#check.call(undefined, () => this.#inner.onTimer?.(timer, checkedCollector(out, this.#check)))
  }

  finish(out: Collector<unknown>): NotAPromise {
    return this.#check.call(undefined, () => this.#inner.finish?.(checkedCollector(out, this.#check)))
  }

  close(): void {
    this.#inner.close?.()
  }
}

function checkedCollector<T>(out: Collector<T>, check: ImmutabilityCheck): Collector<T> {
  return {
    emit: (value) => out.emit(check.emitted(value)),
    emitAt: (time, value) => out.emitAt(time, check.emitted(value)),
  }
}

/** The same context, but for side outputs and lists. */
function checkedContext(context: OperatorContext, check: ImmutabilityCheck): OperatorContext {
  const changes: Partial<OperatorContext> = {
    output: (name) => checkedCollector(context.output(name), check),
    list: (descriptor) => checkedList(context.list(descriptor), check),
  }
  return new Proxy(context, {
    get: (target, name) => {
      const change = changes[name as keyof OperatorContext]
      const member: unknown = change ?? target[name as keyof OperatorContext]
      return change === undefined && typeof member === 'function' ? member.bind(target) : member
    },
  })
}

function checkedList<T>(list: ListState<T>, check: ImmutabilityCheck): ListState<T> {
  return {
    get: () => check.emitted(list.get()),
    add: (value) => list.add(value),
    set: (values) => list.set(values),
    clear: () => list.clear(),
  }
}
