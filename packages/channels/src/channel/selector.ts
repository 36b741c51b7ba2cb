import {
  onAbort,
  passing,
  rejected,
  signalMisfit,
  systemRandom,
  waitRegistry,
  waiting,
} from '@millrace/world'
import type { Random } from '@millrace/world'
import type { Selected, TrySelectOptions } from './select.ts'
import { misuseOfCases, misuseOfOptions } from './select-misuse.ts'
import { promised } from './select-case.ts'
import type { Named, SelectCase, Selection } from './select-case.ts'

/**
 * A select that is performed repeatedly: the same rules as `select`, without allocations in each round.
 *
 * Invariant between any two rounds: no arm is in any queue. An arm keeps its waiter and reuses it for the
 * next queue.
 */

/** A case, or a function that returns the case of one round; undefined is never chosen. */
type SelectorCase = SelectCase | (() => SelectCase | undefined) | undefined

/** The cases of a selector by name. */
export type SelectorCases = { readonly [name: string]: SelectorCase }

/** The cases of one round. */
type RoundOf<Cases extends SelectorCases> = {
  readonly [Name in keyof Cases]: Cases[Name] extends () => infer Case
    ? Extract<Case, SelectCase | undefined>
    : Extract<Cases[Name], SelectCase | undefined>
}

/**
 * Chooses among the same operations in a loop: a `select` that is prepared once.
 *
 * A case may be a function. It is called once at the start of each round, in source order, chosen or not: so
 * a send can offer another value each time, and an undefined case is disabled for that round, like a nil
 * channel in Go.
 *
 * One round at a time: the selector belongs to one task.
 *
 * @example
 * const queue: string[] = []
 * const selector = new Selector({
 *   job: jobs.receiveCase(),
 *   put: () => (queue.length > 0 ? results.sendCase(queue[0]!) : undefined),
 * })
 * for (;;) {
 *   const chosen = await selector.next(signal)
 *   if (chosen.case === 'put') queue.shift()
 *   else if (chosen.ok) queue.push(chosen.value)
 *   else break
 * }
 */
export class Selector<const Cases extends SelectorCases> {
  readonly #arms: readonly Arm[]
  readonly #round: Round
  readonly #random: Random | undefined

  /** @throws TypeError when a case is neither a case nor a function, or when `cases` is not an object. */
  constructor(cases: Cases, options?: TrySelectOptions) {
    const misuse = misuseOfCases('Selector', cases, 'functions too') ?? misuseOfOptions('Selector', options)
    if (misuse !== undefined) throw misuse
    this.#arms = Object.entries(cases).map(([name, source]) => new Arm(name, source))
    this.#round = new Round(this.#arms)
    this.#random = options?.random
  }

  /**
   * Performs exactly one of the cases, as `select` does: one that is ready, chosen uniformly, or else the first to
   * become so. An abort rejects with the signal's reason and performs nothing.
   *
   * @throws ChannelClosedError (by rejecting) when the chosen case is a send on a closed channel; Error (by
   * rejecting) while another round waits; the error of a function that is a case.
   */
  next(signal?: AbortSignal): Promise<Selected<RoundOf<Cases>>> {
    if (signal?.aborted) return rejected(signal.reason)
    try {
      const chosen = this.#perform()
      return chosen === undefined ? this.#wait(signal) : passing('select', this.#shown(), promised(chosen))
    } catch (error) {
      return rejected(this.#misuse() ?? error)
    }
  }

  /**
   * Performs one of the cases that are ready now, as `trySelect` does, or returns undefined when none is.
   *
   * @throws ChannelClosedError when the chosen case is a send on a closed channel; Error while a round waits;
   * the error of a function that is a case.
   */
  try(): Selected<RoundOf<Cases>> | undefined {
    try {
      return this.#perform()
    } catch (error) {
      throw this.#misuse() ?? error
    }
  }

  #perform(): Selected<RoundOf<Cases>> | undefined {
    if (this.#round.isWaiting) {
      throw new Error('Selector: a round is waiting; await it first, or give each task a selector of its own')
    }
    for (const arm of this.#arms) arm.enter()
    for (;;) {
      const chosen = this.#choose()
      if (chosen === undefined) return undefined
      const outcome = chosen.current!.perform(chosen.name)
      // The outcome belongs to the case with that name, as Selected says; the compiler cannot infer that.
      if (outcome !== undefined) return outcome as Selected<RoundOf<Cases>>
    }
  }

  // The n-th ready case replaces the choice with probability 1/n, so all end up equally likely.
  #choose(): Arm | undefined {
    let ready = 0
    let chosen: Arm | undefined
    for (const arm of this.#arms) {
      if (arm.current?.isReady() && (++ready === 1 || this.#chance().int(ready) === 0)) chosen = arm
    }
    return chosen
  }

  #wait(signal: AbortSignal | undefined): Promise<Selected<RoundOf<Cases>>> {
    return waiting<Named<unknown>>('select', this.#shown(), (resolve, reject) => {
      this.#round.park(resolve, reject, signal, this.#chance())
    }) as Promise<Selected<RoundOf<Cases>>> // As in `try`.
  }

  #chance(): Random {
    return this.#random ?? systemRandom
  }

  // Shown to inspectors: the cases of this round.
  #shown(): object {
    return waitRegistry === undefined ? this : this.#cases()
  }

  #cases(): object {
    return Object.fromEntries(this.#arms.map(({ name, current }) => [name, current]))
  }

  // The results of functions are checked only after a failure.
  #misuse(): TypeError | undefined {
    return misuseOfCases('Selector', this.#cases())
  }
}

/** One of the cases of a selector. */
class Arm {
  readonly name: string
  /** The case of this round. */
  current: SelectCase | undefined
  /** Its waiter. */
  place: Disposable | undefined
  readonly #source: SelectorCase

  constructor(name: string, source: SelectorCase) {
    this.name = name
    this.current = undefined
    this.place = undefined
    this.#source = source
  }

  enter(): void {
    const source = this.#source
    this.current = typeof source === 'function' ? source() : source
  }
}

/** The waiter of a selector in several queues, reused for each waiting round. */
class Round implements Selection<Named<unknown>> {
  readonly #arms: Arm[]
  #resolve: ((outcome: Named<unknown>) => void) | undefined
  #reject: ((error: Error) => void) | undefined
  #hook: Disposable | undefined

  constructor(arms: readonly Arm[]) {
    this.#arms = [...arms]
  }

  get isWaiting(): boolean {
    return this.#resolve !== undefined
  }

  park(
    resolve: (outcome: Named<unknown>) => void,
    reject: (error: Error) => void,
    signal: AbortSignal | undefined,
    random: Random,
  ): void {
    this.#resolve = resolve
    this.#reject = reject
    try {
      if (signal !== undefined) this.#hook = onAbort(signal, (reason) => this.fail(reason))
      this.#enter(random)
    } catch (error) {
      // Its queues would otherwise serve a finished round.
      const misuse = signal === undefined ? undefined : signalMisfit('Selector.next', signal)
      this.fail(misuse ?? (error as Error))
    }
  }

  // In random order: if one select is in a queue twice, its first place is matched.
  #enter(random: Random): void {
    const arms = this.#arms
    for (let left = arms.length; left > 0; left--) {
      const drawn = left === 1 ? 0 : random.int(left)
      const arm = arms[drawn]!
      arms[drawn] = arms[left - 1]!
      arms[left - 1] = arm
      if (arm.current) arm.place = arm.current.park(arm.name, this, arm.place)
    }
  }

  settle(outcome: Named<unknown>): void {
    const resolve = this.#resolve
    this.#leave()
    resolve?.(outcome)
  }

  fail(error: Error): void {
    const reject = this.#reject
    this.#leave()
    reject?.(error)
  }

  #leave(): void {
    this.#resolve = undefined
    this.#reject = undefined
    this.#hook?.[Symbol.dispose]()
    this.#hook = undefined
    for (const { place } of this.#arms) place?.[Symbol.dispose]()
  }
}
