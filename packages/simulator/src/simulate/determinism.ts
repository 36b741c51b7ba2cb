import { seededRandom } from '@millrace/world'
import type { Random } from '@millrace/world'
import type { Key } from '@millrace/core'
import type { MapState, StateDescriptor, ValueState } from '@millrace/core/operator'
import type { CallWatch } from './call-watch.ts'
import type { Finding } from './finding.ts'
import { inStrangeWorld } from './strange-world.ts'
import { UnawaitedWork } from './unawaited-work.ts'
import { UnsetState } from './unset-state.ts'
import { valueText } from './value-text.ts'

/** Records the output of each operator during one run. */
export class OperatorWatch implements CallWatch {
  /** The output by operator, in order. */
  readonly emissions: Map<string, string[]> = new Map()
  /** The results of asynchronous calls, by operator and argument, in call order. */
  readonly answers: Map<string, Map<string, string[]>> = new Map()
  readonly findings: Finding[] = []
  readonly #random: Random
  readonly #work: UnawaitedWork | undefined
  /** The state changes of each operator; recorded only with `looksCloser`. */
  readonly #states = new Map<string, UnsetState>()
  readonly #accused = new Set<string>()

  /** With `looksCloser` it also detects unawaited work and state changed without `set`, which is slower. */
  constructor(seed: number, looksCloser: boolean) {
    this.#random = seededRandom(seed)
    this.#work = looksCloser ? new UnawaitedWork() : undefined
  }

  call<T>(operator: string, code: () => T): T {
    const inside = (): T => inStrangeWorld(this.#random, code)
    if (this.#work === undefined || this.#accused.has(operator)) return inside()
    return this.#worked(operator, this.#work, () => this.#stated(operator, inside))
  }

  #worked<T>(operator: string, work: UnawaitedWork, inside: () => T): T {
    return work.during(inside, (what) => {
      this.#accused.add(operator)
      this.findings.push({
        kind: 'unawaited work',
        where: operator,
        what: `'${operator}' starts ${what}: what it does comes at any time, is in no checkpoint and is lost in a crash; wait for it in mapAsync`,
      })
    })
  }

  #stated<T>(operator: string, inside: () => T): T {
    const states = this.#states.get(operator)
    if (states === undefined) return inside()
    return states.during(inside, (state) => {
      this.#accused.add(operator)
      this.findings.push({
        kind: 'unset state',
        where: operator,
        what: `'${operator}' changes state '${state}' in place and does not set it: the change is in no checkpoint and is lost in a crash; call set with the value after changing it`,
      })
    })
  }

  value<T>(operator: string, state: ValueState<T>, descriptor: StateDescriptor<T>): ValueState<T> {
    return this.#statesOf(operator)?.value(state, descriptor) ?? state
  }

  map<K extends Key, V>(
    operator: string,
    state: MapState<K, V>,
    descriptor: StateDescriptor<V>,
  ): MapState<K, V> {
    return this.#statesOf(operator)?.map(state, descriptor) ?? state
  }

  #statesOf(operator: string): UnsetState | undefined {
    if (this.#work === undefined) return undefined
    const states = this.#states.get(operator) ?? new UnsetState()
    this.#states.set(operator, states)
    return states
  }

  async callAsync<T>(
    operator: string,
    value: unknown,
    signal: AbortSignal,
    code: () => Promise<T>,
  ): Promise<T> {
    // The call may change the value.
    const answers = this.#answersTo(operator, valueText(value))
    const answer = await code()
    // What comes too late is no result, and has to do with how long things take.
    if (!signal.aborted) answers.push(valueText(answer))
    return answer
  }

  #answersTo(operator: string, question: string): string[] {
    const ofOperator = this.answers.get(operator) ?? new Map<string, string[]>()
    this.answers.set(operator, ofOperator)
    const answers = ofOperator.get(question) ?? []
    ofOperator.set(question, answers)
    return answers
  }

  emitted(operator: string, value: unknown): void {
    const texts = this.emissions.get(operator)
    const text = valueText(value)
    if (texts === undefined) this.emissions.set(operator, [text])
    else texts.push(text)
  }

  usedClock(): void {}

  waitsForTime(): void {}
  expiresByTime(): void {}
}

/** Returns the first operator, in graph order, whose two runs differ. */
export function compareWatches(
  operators: readonly string[],
  clockUsers: ReadonlySet<string>,
  first: OperatorWatch,
  second: OperatorWatch,
): readonly Finding[] {
  for (const operator of operators) {
    if (clockUsers.has(operator)) return []
    const change = changedAnswer(first.answers.get(operator), second.answers.get(operator))
    if (change !== undefined) return [nondeterminism(operator, change)]
    const [a, b] = [first.emissions.get(operator) ?? [], second.emissions.get(operator) ?? []]
    const length = Math.max(a.length, b.length)
    for (let at = 0; at < length; at++) {
      if (a[at] === b[at]) continue
      const change = `its result number ${at + 1} was ${a[at] ?? 'missing'}, and then ${b[at] ?? 'missing'}`
      return [nondeterminism(operator, change)]
    }
  }
  return []
}

function nondeterminism(operator: string, change: string): Finding {
  return {
    kind: 'nondeterminism',
    where: operator,
    what: `'${operator}' does not do the same thing twice: of the same input and without any fault ${change}; Date.now, Math.random and variables outside of state differ from run to run`,
  }
}

/** Results of the calls of one operator, by argument. */
type Answers = ReadonlyMap<string, readonly string[]>

/**
 * Returns the first argument whose results differ. Calls end in any order, and failed or abandoned calls have no
 * result, so the results of one run may be a subset of the other's.
 */
function changedAnswer(first: Answers | undefined, second: Answers | undefined): string | undefined {
  for (const [question, a] of first ?? []) {
    const b = second?.get(question) ?? []
    const [fewer, more] = a.length < b.length ? [a, b] : [b, a]
    const left = [...more]
    for (const answer of fewer) {
      const at = left.indexOf(answer)
      if (at < 0) return `what it gave for ${question} was ${a.join(', ')}, and then ${b.join(', ')}`
      left.splice(at, 1)
    }
  }
  return undefined
}
