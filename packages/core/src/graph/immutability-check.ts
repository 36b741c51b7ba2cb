import { MillraceError } from '../errors/errors.ts'
import type { ImmutableValues } from '../record/immutable-values.ts'

/** How many values that cannot be frozen are looked at again after each call of the operator that emitted them. */
const recentMax = 16

/** What V8 says when a frozen object is written to. */
const frozenWrite =
  /^Cannot (assign to read only property|add property|delete property|redefine property|define property)/

/** Runs the user code of one operator, and throws `RECORD_MUTATED` when it changes what must not change. */
export class ImmutabilityCheck {
  readonly #values: ImmutableValues
  /** Values that this operator has emitted and that could not be frozen. */
  readonly #recent: unknown[] = []

  constructor(values: ImmutableValues) {
    this.#values = values
  }

  /** Runs `code`, which is given `input`. */
  call<T>(input: unknown, code: () => T): T {
    this.#values.keep(input)
    let result: T
    try {
      result = code()
    } catch (thrown) {
      throw this.judged(thrown)
    }
    this.check(input)
    return result
  }

  /** `value` leaves the operator, or is handed out by its state: nothing may change it from now on. */
  emitted<T>(value: T): T {
    if (this.#values.keep(value)) return value
    this.#recent.push(value)
    if (this.#recent.length > recentMax) this.#recent.shift()
    return value
  }

  /** Throws if `input`, or a value that was emitted lately, is not what it was. */
  check(input: unknown): void {
    const changed = this.#values.changeIn(input)
    if (changed !== undefined) throw mutated(`it changes ${changed} in a record that it was given`)
    for (const value of this.#recent) {
      const emitted = this.#values.changeIn(value)
      if (emitted !== undefined) throw mutated(`it changes ${emitted} in a record that it has emitted`)
    }
  }

  /** `thrown`, or what it means if it comes from writing to a frozen value. */
  judged(thrown: unknown): unknown {
    if (!(thrown instanceof TypeError) || !frozenWrite.test(thrown.message)) return thrown
    return mutated(
      `it changes a record that it was given or a value that it has emitted (${thrown.message})`,
      thrown,
    )
  }
}

function mutated(what: string, cause?: unknown): MillraceError {
  return new MillraceError(
    'RECORD_MUTATED',
    `${what}; records are immutable, so make a new object and leave the old one: ({ ...record, total: 1 })`,
    cause === undefined ? {} : { cause },
  )
}
