import { ownChannel } from '../channel/own-channel.ts'
import type { ReceiveChannel } from '../channel/channel-end.ts'
import { select } from '../channel/select.ts'
import { after, type SelectCase } from '../channel/select-case.ts'
import { feed } from '../task/outlet.ts'
import type { Scope } from '../task/scope.ts'
import { requireClock, requireDelay, sleep } from '@millrace/world'
import type { Clock } from '@millrace/world'
import { requireFlow, requireOptions, requirePositive } from '../wait/argument.ts'

/** Options of `batch`. */
export interface BatchOptions {
  /** A batch of this many values is full. */
  readonly size: number
  /** A batch that is not full is sent this many milliseconds after its first value. `Infinity`: never. */
  readonly withinMs: number
  /** The clock. */
  readonly clock: Clock
}

/**
 * Collects values into arrays: `size` values, or fewer once `withinMs` have passed since the first of them.
 *
 * No batch is empty. When the input is drained the last batch is sent and the output closes. While a batch
 * waits for a receiver nothing is received.
 *
 * @throws RangeError unless `size` is a positive integer and `withinMs` a number.
 *
 * @example
 * for await (const rows of batch(scope, changes, { size: 500, withinMs: 20, clock })) await insert(rows)
 */
export function batch<T>(scope: Scope, input: ReceiveChannel<T>, options: BatchOptions): ReceiveChannel<T[]> {
  requirePace('batch', scope, input, options, 'withinMs', 'size, withinMs, clock')
  const { size, withinMs, clock } = options
  requirePositive('batch', 'size', size)
  return feed<T[]>(scope, [
    async (out, signal) => {
      for await (const first of input.values(signal)) {
        const values = [first]
        await fill(values)
        await out.send(values, signal)
      }

      async function fill(values: T[]): Promise<void> {
        const late = ownChannel<null>(1)
        const timer = clock.schedule(withinMs, () => late.trySend(null))
        try {
          while (values.length < size) {
            const next = await select({ value: input.receiveCase(), late: late.receiveCase() }, { signal })
            if (next.case === 'late' || !next.ok) return
            values.push(next.value)
          }
        } finally {
          timer[Symbol.dispose]()
        }
      }
    },
  ])
}

/** Options of `throttle`. */
export interface ThrottleOptions {
  /** The shortest time between two values, in milliseconds. */
  readonly everyMs: number
  /** The clock. */
  readonly clock: Clock
}

/**
 * Passes on at most one value every `everyMs` milliseconds; the others wait, and none is dropped.
 *
 * The first value passes at once. The interval begins when the receiver took a value, so a delay is not
 * followed by a burst. To drop excess values, put a `buffer` before it.
 *
 * @throws RangeError when `everyMs` is not a number.
 *
 * @example
 * for await (const call of throttle(scope, calls, { everyMs: 100, clock })) await send(call)
 */
export function throttle<T>(
  scope: Scope,
  input: ReceiveChannel<T>,
  options: ThrottleOptions,
): ReceiveChannel<T> {
  requirePace('throttle', scope, input, options, 'everyMs')
  const { everyMs, clock } = options
  return feed<T>(scope, [
    async (out, signal) => {
      let notBefore = -Infinity
      for await (const value of input.values(signal)) {
        const earlyMs = notBefore - clock.monotonic()
        if (earlyMs > 0) await sleep(clock, earlyMs, signal)
        await out.send(value, signal)
        notBefore = clock.monotonic() + everyMs
      }
    },
  ])
}

/** Options of `debounce`. */
export interface DebounceOptions {
  /** For how many milliseconds no other value may arrive. */
  readonly quietMs: number
  /** The clock. */
  readonly clock: Clock
}

/**
 * Passes on the last value of each burst: a value after which none arrived for `quietMs` milliseconds.
 *
 * Earlier values of the burst are dropped on purpose. A value that waits for a receiver is still replaced by
 * a newer one. When the input is drained the last value is sent without waiting.
 *
 * @throws RangeError when `quietMs` is not a number.
 *
 * @example
 * for await (const text of debounce(scope, typed, { quietMs: 300, clock })) await search(text)
 */
export function debounce<T>(
  scope: Scope,
  input: ReceiveChannel<T>,
  options: DebounceOptions,
): ReceiveChannel<T> {
  requirePace('debounce', scope, input, options, 'quietMs')
  const { quietMs, clock } = options
  const quiet = after(clock, quietMs)
  return feed<T>(scope, [
    async (out, signal) => {
      for await (const first of input.values(signal)) {
        let last: T = first
        let isQuiet = false
        for (;;) {
          const wait: SelectCase | undefined = isQuiet ? undefined : quiet
          const taken: SelectCase | undefined = isQuiet ? out.sendCase(last) : undefined
          const next = await select({ newer: input.receiveCase(), wait, taken }, { signal })
          if (next.case === 'taken') break
          if (next.case === 'wait') {
            isQuiet = true
          } else if (next.ok) {
            last = next.value
            isQuiet = false
          } else {
            await out.send(last, signal)
            return
          }
        }
      }
    },
  ])
}

/**
 * Validates the common arguments: a scope, an input, and options of which `delay` names one besides the
 * clock.
 */
function requirePace<Delay extends string>(
  of: string,
  scope: Scope,
  input: ReceiveChannel<unknown>,
  options: { readonly clock: Clock } & Readonly<Record<Delay, number>>,
  delay: Delay,
  fields = `${delay}, clock`,
): void {
  requireFlow(of, scope, input)
  requireOptions(of, options, fields)
  requireDelay(of, delay, options[delay])
  requireClock(of, options.clock)
}
