import type { JobGraph } from '../contract/graph.ts'
import type { PartList } from '../contract/parts.ts'
import type { StateAnswer, StateCopy, StateList, StateOperator, StatePage } from '../contract/state.ts'
import type { WatchedJob } from '../job/watched-job.ts'
import { RequestError } from '../server/problems.ts'
import { JobState, type KeyRequest, type PageRequest, type StateSource } from '../state/state-source.ts'
import { CopyState, isOfCopy } from './copy-state.ts'
import { partName, type DividedJob } from './divided-job.ts'
import { isMoving, partMoves } from './moving.ts'
import { RemoteState, type AskWorker } from './remote-state.ts'

/** A job in parts, and how it is reached. */
export interface DividedParts {
  readonly divided: DividedJob
  readonly graph: JobGraph
  /** The jobs of this process. */
  readonly jobs: ReadonlyMap<string, WatchedJob>
  readonly ask: AskWorker
  /** What shows who has asked: workers are asked in their name. */
  readonly credentials: Readonly<Record<string, string>>
}

/** The state of a job that several workers run together: each part is asked where it is. */
export class DividedState implements StateSource {
  readonly #of: DividedParts

  constructor(of: DividedParts) {
    this.#of = of
  }

  get graph(): JobGraph {
    return this.#of.graph
  }

  async list(): Promise<StateList> {
    const lists = await Promise.all(this.#all.map((part) => this.#at(part, false, (source) => source.list())))
    const operators = new Map<string, StateOperator>()
    for (const each of lists.flatMap((list) => list.operators)) {
      const before = operators.get(each.operator)
      operators.set(each.operator, before === undefined ? each : together(before, each))
    }
    return { operators: [...operators.values()] }
  }

  async ofKey(request: KeyRequest): Promise<StateAnswer> {
    const { divided } = this.#of
    const owner = divided.partOf(request.operator, request.key)
    const parts = owner === undefined ? this.#all : [owner]
    const answers = await Promise.all(
      parts.map((part) => this.#at(part, request.isStaleFine, (source) => source.ofKey(request))),
    )
    const copy = oldest(answers.map((answer) => answer.copy))
    return {
      ...answers[0]!,
      entries: answers.flatMap(({ entries }) => entries),
      ...(copy !== undefined && { copy }),
    }
  }

  /** Goes through the parts one after another. */
  async page(request: PageRequest): Promise<StatePage> {
    const { limit, isStaleFine, operator, read } = request
    let { part, cursor } = placeIn(request.cursor)
    const pages: StatePage[] = []
    const found = (): number => pages.reduce((sum, { entries }) => sum + entries.length, 0)
    while (part < this.#of.divided.parts && (found() < limit || pages.length === 0)) {
      const rest = { ...request, cursor, limit: limit - found() }
      try {
        const page = await this.#at(part, isStaleFine, (source) => source.page(rest), isOfCopy(cursor))
        pages.push(page)
        if (page.next !== null) {
          cursor = page.next
          break
        }
      } catch (error) {
        // What the parts before it have is an answer; the next request comes back to this one.
        if (pages.length === 0 || !isMoving(error)) throw error
        break
      }
      part++
      cursor = '0'
    }
    const isOver = part >= this.#of.divided.parts
    const copy = oldest(pages.map((page) => page.copy))
    return {
      operator,
      read,
      checkpoint: pages.at(-1)?.checkpoint ?? null,
      entries: pages.flatMap(({ entries }) => entries),
      next: isOver ? null : `${part}:${cursor}`,
      ...(copy !== undefined && { copy }),
    }
  }

  /** Where the parts are. */
  places(): PartList {
    const { divided, jobs } = this.#of
    return {
      job: divided.name,
      workers: divided.workers(),
      parts: this.#all.map((part) => ({
        part: partName(divided, part),
        isHere: jobs.has(partName(divided, part)),
        address: divided.ownerOf(part)?.address ?? null,
        copies: divided.copiesOf(part),
      })),
    }
  }

  get #all(): readonly number[] {
    return Array.from({ length: this.#of.divided.parts }, (_, part) => part)
  }

  /** Asks the worker that has a part, and if it cannot answer and that will do, one that has a copy. */
  async #at<T>(
    part: number,
    isStaleFine: boolean,
    ask: (source: StateSource) => Promise<T>,
    isCopyWanted = false,
  ): Promise<T> {
    const owners = isCopyWanted ? [] : this.#owners(part)
    for (const source of [...owners, ...(isStaleFine ? this.#copies(part) : [])]) {
      try {
        return await ask(source)
      } catch (error) {
        if (!isMoving(error)) throw error
      }
    }
    const { divided } = this.#of
    const name = partName(divided, part)
    const owner = divided.ownerOf(part)
    if (owners.length > 0 || owner === undefined) throw partMoves(name)
    throw new RequestError(
      409,
      'OPTION_INVALID',
      `'${name}', which has this state, is at a worker whose control API others do not reach; start every worker with --control, and with --control-address where it listens on all addresses`,
    )
  }

  #owners(part: number): readonly StateSource[] {
    const { divided, jobs } = this.#of
    const here = jobs.get(partName(divided, part))
    if (here !== undefined) return [new JobState(here)]
    const address = divided.ownerOf(part)?.address
    return address === undefined ? [] : [this.#remote(part, address, false)]
  }

  #copies(part: number): readonly StateSource[] {
    const { divided, graph } = this.#of
    const { clock } = divided
    const stored = divided.copyHere(part)
    const name = partName(divided, part)
    const here = stored === undefined ? [] : [new CopyState({ part: name, stored, graph, clock })]
    return [...here, ...divided.copiesOf(part).map((address) => this.#remote(part, address, true))]
  }

  #remote(part: number, address: string, isCopy: boolean): RemoteState {
    const { divided, ask, graph, credentials } = this.#of
    return new RemoteState({ ask, address, part: partName(divided, part), graph, credentials, isCopy })
  }
}

/** The place of a cursor: a part, and the cursor of its scan. */
function placeIn(given: string): { readonly part: number; readonly cursor: string } {
  if (given === '0') return { part: 0, cursor: '0' }
  const { part, cursor } = /^(?<part>\d{1,5}):(?<cursor>c?[\d.]{1,30})$/.exec(given)?.groups ?? {}
  if (part !== undefined && cursor !== undefined) return { part: Number(part), cursor }
  throw new RequestError(400, 'OPTION_INVALID', `cursor is '${given}'; give what 'next' of a page says`)
}

function oldest(copies: readonly (StateCopy | undefined)[]): StateCopy | undefined {
  return copies
    .filter((copy) => copy !== undefined)
    .toSorted((a, b) => a.at - b.at)
    .at(0)
}

function together(a: StateOperator, b: StateOperator): StateOperator {
  const tables = new Map(a.tables.map(({ table, cells }) => [table, cells]))
  for (const { table, cells } of b.tables) tables.set(table, (tables.get(table) ?? 0) + cells)
  return {
    ...a,
    keys: [...new Set([...a.keys, ...b.keys])],
    tables: Array.from(tables, ([table, cells]) => ({ table, cells })),
  }
}
