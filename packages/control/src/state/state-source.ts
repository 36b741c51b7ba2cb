import type { Key } from '@millrace/core'
import type { StateQuery } from '@millrace/core/job'
import type { JobGraph } from '../contract/graph.ts'
import type { StateAnswer, StateList, StatePage, StateRead } from '../contract/state.ts'
import type { WatchedJob } from '../job/watched-job.ts'
import { stateList, stateOfKey, statePage, type ValueForm } from './state-view.ts'

/** What all requests for the values of an operator say. */
interface StateRequest {
  readonly operator: string
  /** Undefined: all pieces of its state. */
  readonly table: string | undefined
  readonly read: StateRead
  readonly form: ValueForm
  /** Whether the copy of another worker will do while the state moves. */
  readonly isStaleFine: boolean
}

/** A request for what is kept for one key. */
export interface KeyRequest extends StateRequest {
  readonly key: Key
}

/** A request for a page of what is kept. */
export interface PageRequest extends StateRequest {
  readonly prefix: string | undefined
  readonly range: StateQuery['range']
  /** `next` of the page before; `0` for the first one. */
  readonly cursor: string
  readonly limit: number
}

/** What answers requests for state. */
export interface StateSource {
  /** The pipeline, with the operators that have state. */
  readonly graph: JobGraph
  list(): Promise<StateList>
  ofKey(request: KeyRequest): Promise<StateAnswer>
  page(request: PageRequest): Promise<StatePage>
}

/** The state of a job of this process. */
export class JobState implements StateSource {
  readonly #job: WatchedJob

  constructor(job: WatchedJob) {
    this.#job = job
  }

  get graph(): JobGraph {
    return this.#job.graph
  }

  list(): Promise<StateList> {
    return Promise.resolve(stateList(this.#job))
  }

  ofKey({ operator, key, ...options }: KeyRequest): Promise<StateAnswer> {
    return stateOfKey(this.#job, operator, key, options)
  }

  page({ read, form, cursor, ...query }: PageRequest): Promise<StatePage> {
    return statePage(this.#job, { ...query, cursor }, read, form)
  }
}
