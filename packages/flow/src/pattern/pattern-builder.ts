import { MillraceError, positiveDurationMs, type Duration } from '@millrace/core'
import { requireSynchronous } from '../synchronous.ts'
import {
  once,
  stagesOf,
  type Condition,
  type Contiguity,
  type Element,
  type NotElement,
  type Quantifier,
} from './elements.ts'

const takenNames = ['key', 'timedOutAt', '__proto__']

/** All methods of patterns. The interfaces say which of them may follow which; this checks it for untyped callers. */
export class PatternBuilder {
  readonly elements: readonly Element[]
  /** Infinite: no limit. */
  readonly withinMs: number

  private constructor(elements: readonly Element[], withinMs: number) {
    this.elements = elements
    this.withinMs = withinMs
  }

  static begin(first: unknown, condition: unknown): PatternBuilder {
    return new PatternBuilder([], Number.POSITIVE_INFINITY).#stage('pattern', 'relaxed', first, condition)
  }

  next(what: unknown, condition?: unknown): PatternBuilder {
    return this.#stage('next', 'strict', what, condition)
  }

  followedBy(what: unknown, condition?: unknown): PatternBuilder {
    return this.#stage('followedBy', 'relaxed', what, condition)
  }

  followedByAny(what: unknown, condition?: unknown): PatternBuilder {
    return this.#stage('followedByAny', 'any', what, condition)
  }

  notNext(condition: unknown): PatternBuilder {
    requireSynchronous(condition, 'notNext', undefined)
    return this.#not({ kind: 'not', condition: condition as Condition, isNext: true })
  }

  notFollowedBy(condition: unknown): PatternBuilder {
    requireSynchronous(condition, 'notFollowedBy', undefined)
    return this.#not({ kind: 'not', condition: condition as Condition, isNext: false })
  }

  within(duration: Duration): PatternBuilder {
    const withinMs = positiveDurationMs(duration, 'within of a pattern')
    return new PatternBuilder(this.elements, Math.min(this.withinMs, withinMs))
  }

  times(times: number, most: number = times): PatternBuilder {
    const isValid = Number.isSafeInteger(times) && Number.isSafeInteger(most) && times >= 0 && most >= 1
    if (!isValid || most < times) {
      throw invalid(
        `times(${String(times)}, ${String(most)}) is not possible: give whole numbers, the larger one last`,
      )
    }
    return this.#loop('times', Math.max(1, times), most, times === 0)
  }

  atLeast(times: number): PatternBuilder {
    if (!Number.isSafeInteger(times) || times < 0) {
      throw invalid(`atLeast(${String(times)}) is not possible: give a whole number`)
    }
    return this.#loop('atLeast', Math.max(1, times), Number.POSITIVE_INFINITY, times === 0)
  }

  oneOrMore(): PatternBuilder {
    return this.#loop('oneOrMore', 1, Number.POSITIVE_INFINITY, false)
  }

  optional(): PatternBuilder {
    return this.#change('optional', () => ({ isOptional: true }))
  }

  greedy(): PatternBuilder {
    this.#requireLoop('greedy', true)
    return this.#change('greedy', () => ({ isGreedy: true }))
  }

  consecutive(): PatternBuilder {
    this.#requireLoop('consecutive', false)
    return this.#change('consecutive', () => ({ inner: 'strict' }))
  }

  allowCombinations(): PatternBuilder {
    this.#requireLoop('allowCombinations', false)
    return this.#change('allowCombinations', () => ({ inner: 'any' }))
  }

  until(condition: unknown): PatternBuilder {
    requireSynchronous(condition, 'until', undefined)
    this.#requireLoop('until', true)
    const last = this.elements.at(-1)!
    return this.#with([...this.elements.slice(0, -1), { ...last, until: condition as Condition } as Element])
  }

  #loop(method: string, min: number, max: number, isOptional: boolean): PatternBuilder {
    return this.#change(method, (before) => {
      if (before.isLoop)
        throw invalid(`${method} follows a call that already says how often the stage occurs`)
      return { min, max, isLoop: true, isOptional: isOptional || before.isOptional }
    })
  }

  #change(method: string, change: (before: Quantifier) => Partial<Quantifier>): PatternBuilder {
    const last = this.elements.at(-1)!
    if (last.kind === 'not') throw invalid(`${method} does not follow notNext or notFollowedBy`)
    const quantifier = { ...last.quantifier, ...change(last.quantifier) }
    return this.#with([...this.elements.slice(0, -1), { ...last, quantifier }])
  }

  #requireLoop(method: string, mustBeStage: boolean): void {
    const last = this.elements.at(-1)!
    if (last.kind !== 'not' && last.quantifier.isLoop && (last.kind === 'stage' || !mustBeStage)) return
    throw invalid(
      `${method} follows only a ${mustBeStage ? 'stage' : 'stage or group'} that may occur several times: call times, atLeast or oneOrMore before it`,
    )
  }

  #stage(method: string, contiguity: Contiguity, what: unknown, condition: unknown): PatternBuilder {
    if (what instanceof PatternBuilder) {
      const { elements } = what
      for (const { name } of stagesOf(elements)) this.#requireNew(name)
      const group: Element = { kind: 'group', elements, contiguity, quantifier: once }
      // The time of a group is that of the whole pattern.
      const withinMs = Math.min(this.withinMs, what.withinMs)
      return new PatternBuilder([...this.elements, group], withinMs)
    }
    if (typeof what !== 'string' || what === '') {
      throw invalid(`${method} needs a name and a condition, or a pattern`)
    }
    this.#requireNew(what)
    requireSynchronous(condition, 'stage', what)
    return this.#with([
      ...this.elements,
      {
        kind: 'stage',
        name: what,
        condition: condition as Condition,
        until: undefined,
        contiguity,
        quantifier: once,
      },
    ])
  }

  #requireNew(name: string): void {
    if (takenNames.includes(name)) {
      throw invalid(`a stage cannot be called '${name}': a match has that name for something else`)
    }
    if (stagesOf(this.elements).some((stage) => stage.name === name)) {
      throw invalid(`it has two stages '${name}': each stage has a name of its own`)
    }
  }

  #not(element: NotElement): PatternBuilder {
    return this.#with([...this.elements, element])
  }

  #with(elements: readonly Element[]): PatternBuilder {
    return new PatternBuilder(elements, this.withinMs)
  }
}

function invalid(why: string): MillraceError {
  return new MillraceError('OPTION_INVALID', `a pattern is not valid: ${why}`)
}
