import { onAbort, passing, rejected, systemRandom, waiting } from '@millrace/world'
import type { Random } from '@millrace/world'
import { promised } from './select-case.ts'
import { misuseOfSelect } from './select-misuse.ts'
import type { Named, SelectCase, Selection } from './select-case.ts'

/**
 * Select: performs exactly one of several operations, the first that can be performed.
 *
 * In three passes, like Go:
 *
 *  1. Search for ready cases. If there are some, choose one uniformly and perform it.
 *  2. Otherwise join the queue of every case, in random order.
 *  3. When one of the queues serves the select, leave all others; otherwise waiters would accumulate on quiet
 *     channels.
 *
 * Nothing runs between the passes, and pass 3 is part of the winning operation, so a second case can never be
 * served. `Promise.race` cannot do this: it favours the first case, and consumes the values of the losers.
 */

/** The cases of a select by name. An undefined case is never chosen. */
export type SelectCases = { readonly [name: string]: SelectCase | undefined }

/** The result of a select: the name of the performed case, and its result. */
export type Selected<Cases extends SelectCases> = {
  [Name in keyof Cases]-?: Name extends string | number ? Reported<`${Name}`, Cases[Name]> : never
}[keyof Cases]

// Distributes over a union of cases, and drops undefined.
type Reported<Name, Case> = Case extends SelectCase<infer Outcome> ? { readonly case: Name } & Outcome : never

/** Options of `trySelect`. */
export interface TrySelectOptions {
  /** Chooses among cases that are ready together. Default: `systemRandom`. */
  readonly random?: Random | undefined
}

/** Options of `select`. */
export interface SelectOptions extends TrySelectOptions {
  /** Ends the wait: the select rejects with the signal's reason and performs nothing. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Performs exactly one of the cases: a ready one, chosen uniformly, or else the first to become ready.
 *
 * A receive from a closed channel is always ready. If no case can ever be ready it waits until the signal
 * aborts, or forever.
 *
 * @throws ChannelClosedError (by rejecting) when the chosen case is a send on a closed channel.
 *
 * @example
 * const chosen = await select({
 *   job: jobs.receiveCase(),
 *   put: results.sendCase(42),
 *   late: after(clock, 500),
 * })
 * if (chosen.case === 'job' && chosen.ok) run(chosen.value)
 */
export function select<const Cases extends SelectCases>(
  cases: Cases,
  options?: SelectOptions,
): Promise<Selected<Cases>> {
  if (options?.signal?.aborted) return rejected(options.signal.reason)
  try {
    const chosen = choose(cases, options)
    return chosen === undefined ? waitToSelect(cases, options) : passing('select', cases, promised(chosen))
  } catch (error) {
    return rejected(misuseOfSelect('select', cases, options) ?? error)
  }
}

/**
 * Performs one of the ready cases, chosen uniformly, or returns undefined when none is ready.
 *
 * This is a select with a default: it never waits.
 *
 * @throws ChannelClosedError when the chosen case is a send on a closed channel.
 *
 * @example
 * const chosen = trySelect({ job: jobs.receiveCase() })
 * if (chosen === undefined) rest()
 */
export function trySelect<const Cases extends SelectCases>(
  cases: Cases,
  options?: TrySelectOptions,
): Selected<Cases> | undefined {
  try {
    const chosen = choose(cases, options)
    // An empty object cannot fail later, and an instance of a class has no cases, so it is checked here.
    if (chosen === undefined && Object.getPrototypeOf(cases) !== Object.prototype) {
      const misuse = misuseOfSelect('trySelect', cases, options)
      if (misuse !== undefined) throw misuse
    }
    return chosen
  } catch (error) {
    throw misuseOfSelect('trySelect', cases, options) ?? error
  }
}

function choose<Cases extends SelectCases>(
  cases: Cases,
  options: TrySelectOptions | undefined,
): Selected<Cases> | undefined {
  const random = options?.random ?? systemRandom
  for (;;) {
    let ready = 0
    let chosen: SelectCase | undefined
    let chosenName = ''
    for (const name in cases) {
      const candidate = cases[name]
      // The n-th ready case replaces the choice with probability 1/n, so all end up equally likely.
      if (candidate?.isReady() && (++ready === 1 || random.int(ready) === 0)) {
        chosen = candidate
        chosenName = name
      }
    }
    if (chosen === undefined) return undefined
    const outcome = chosen.perform(chosenName)
    // The outcome belongs to the case with that name, as Selected says; the compiler cannot infer that.
    if (outcome !== undefined) return outcome as Selected<Cases>
  }
}

function waitToSelect<Cases extends SelectCases>(
  cases: Cases,
  options: SelectOptions | undefined,
): Promise<Selected<Cases>> {
  return waiting('select', cases, (resolve, reject) => {
    new PendingSelection<Selected<Cases>>(resolve, reject).park(cases, options)
  })
}

/** A select that waits in several queues. */
class PendingSelection<Outcome> implements Selection<Named<unknown>> {
  readonly #resolve: (outcome: Outcome) => void
  readonly #reject: (error: Error) => void
  readonly #lines: Disposable[] = []

  constructor(resolve: (outcome: Outcome) => void, reject: (error: Error) => void) {
    this.#resolve = resolve
    this.#reject = reject
  }

  park(cases: SelectCases, options: SelectOptions | undefined): void {
    let trouble: Error | undefined
    try {
      this.#enter(cases, options?.signal, options?.random ?? systemRandom)
      // Without cases, or with invalid options, nothing fails later, but nothing would ever wake it.
      const isIdle = this.#lines.length === 0 || (options !== undefined && options.signal === undefined)
      if (isIdle) trouble = misuseOfSelect('select', cases, options)
    } catch (error) {
      trouble = misuseOfSelect('select', cases, options) ?? (error as Error)
    }
    // Its queues would otherwise serve a select that no longer waits.
    if (trouble !== undefined) this.fail(trouble)
  }

  // In random order: if one select is in a queue twice, its first place is matched.
  #enter(cases: SelectCases, signal: AbortSignal | undefined, random: Random): void {
    if (signal !== undefined) this.#lines.push(onAbort(signal, (reason) => this.fail(reason)))
    const names = Object.keys(cases)
    for (let left = names.length; left > 0; left--) {
      const drawn = left === 1 ? 0 : random.int(left)
      const name = names[drawn]!
      names[drawn] = names[left - 1]!
      const line = cases[name]?.park(name, this)
      if (line !== undefined) this.#lines.push(line)
    }
  }

  settle(outcome: Named<unknown>): void {
    this.#leave()
    this.#resolve(outcome as Outcome)
  }

  fail(error: Error): void {
    this.#leave()
    this.#reject(error)
  }

  #leave(): void {
    for (const line of this.#lines) line[Symbol.dispose]()
  }
}
