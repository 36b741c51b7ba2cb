import { isThenable, refusePromise } from '@millrace/core/operator'
import type { Automaton } from './automaton.ts'
import type { Condition, Earlier } from './elements.ts'

/** The events of a stage that a partial match has so far, in order. */
export type EventsOf<Node> = (node: Node | undefined, stage: number) => readonly unknown[]

/**
 * Evaluates the conditions of a pattern for one event at a time.
 *
 * A condition that does not look at earlier events has one result for all partial matches, so it is called once per event.
 * Whether it looks is seen from its reads.
 */
export class Conditions<Node> {
  readonly #conditions: readonly Condition[]
  readonly #earlier: Earlier
  readonly #eventsOf: EventsOf<Node>
  /** By condition: the number of the event for which `#results` is known. */
  readonly #known: number[]
  readonly #results: boolean[]
  #number = 0
  #event: unknown
  #node: Node | undefined
  #stage = -1
  #hasLooked = false

  constructor({ conditions, stages }: Pick<Automaton, 'conditions' | 'stages'>, eventsOf: EventsOf<Node>) {
    this.#conditions = conditions
    this.#eventsOf = eventsOf
    this.#known = conditions.map(() => -1)
    this.#results = conditions.map(() => false)
    this.#earlier = Object.defineProperties(
      Object.create(null) as Earlier,
      Object.fromEntries(
        stages.map(({ name, isLoop }, stage) => [
          name,
          { enumerable: true, get: (): unknown => this.#look(stage, isLoop) },
        ]),
      ),
    )
  }

  /** The event that the following calls are about. */
  begin(event: unknown): void {
    this.#event = event
    this.#number++
  }

  /**
   * Whether the event meets a condition, for the partial match that ends in `node`. `stage` is the stage to which the
   * condition belongs: it sees that stage's events as an array.
   */
  holds(condition: number, node: Node | undefined, stage: number): boolean {
    if (this.#known[condition] === this.#number) return this.#results[condition]!
    this.#node = node
    this.#stage = stage
    this.#hasLooked = false
    const result: unknown = this.#conditions[condition]!(this.#event, this.#earlier)
    if (isThenable(result)) refusePromise(result)
    if (!this.#hasLooked) {
      this.#known[condition] = this.#number
      this.#results[condition] = Boolean(result)
    }
    return Boolean(result)
  }

  /** Whether the event meets one of the conditions, which belong to no stage. */
  holdsAny(conditions: readonly number[], node: Node | undefined): boolean {
    for (const condition of conditions) if (this.holds(condition, node, -1)) return true
    return false
  }

  #look(stage: number, isLoop: boolean): unknown {
    this.#hasLooked = true
    const events = this.#eventsOf(this.#node, stage)
    return isLoop || stage === this.#stage ? events : events[0]
  }
}
