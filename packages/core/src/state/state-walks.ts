import type { Pacing } from '../disk/yield-budget.ts'
import type { StateRow, StateSelection } from './state-reading.ts'

/** A part of a scan: which state, from where on, and how much work it may be. Plain data. */
export interface StateScan extends StateSelection {
  /** Where the part before it has ended. */
  readonly from: ScanPlace
  /** How many rows to return at most. */
  readonly limit: number
  /** How many values to look at at most, wanted or not. */
  readonly looksAt: number
}

/** How far a scan has got: so many values of a worker, and all of the workers before it. */
export interface ScanPlace {
  readonly worker: number
  readonly passed: number
}

/** The rows of a part of a scan. */
export interface ScannedRows {
  readonly rows: readonly StateRow[]
  /** How many values were looked at. */
  readonly looked: number
  /** How many values of the worker are behind the scan; undefined: it is at its end. */
  readonly passed: number | undefined
}

/** The rows of a part of a scan, and where the next part begins; undefined: there is none. */
export interface ScannedState {
  readonly rows: readonly StateRow[]
  readonly next: ScanPlace | undefined
}

/** A scan on its way: what is left, and its next step if that was looked at already. */
interface Walk {
  readonly steps: Generator<StateRow | number>
  ahead: StateRow | number | undefined
}

const mostKept = 16

/** The scans of a worker that have stopped before their end, so that the next part continues where the one before has stopped. */
export class StateWalks {
  /** A walk is begun anew if it is gone. */
  readonly #kept = new Map<string, Walk>()

  /** Reads a part of a scan. `begin` begins to go through the state. */
  async read(
    scan: StateScan,
    begin: () => Generator<StateRow | number>,
    budget: Pacing,
  ): Promise<ScannedRows> {
    const kept = this.#take(scan)
    const walk = kept ?? { steps: begin(), ahead: undefined }
    const rows: StateRow[] = []
    let { passed } = scan.from
    let toSkip = kept === undefined ? passed : 0
    let looked = 0
    for (;;) {
      if (budget.spend()) await budget.turn()
      const step = walk.ahead ?? nextOf(walk)
      walk.ahead = undefined
      if (step === undefined) return { rows, looked, passed: undefined }
      const count = typeof step === 'number' ? step : 1
      if (toSkip > 0) {
        toSkip -= count
        continue
      }
      if (rows.length >= scan.limit || looked >= scan.looksAt) {
        walk.ahead = step
        this.#keep(scan, passed, walk)
        return { rows, looked, passed }
      }
      passed += count
      looked++
      if (typeof step !== 'number') rows.push(step)
    }
  }

  /** Ends all of them: the state that they go through is closed. */
  clear(): void {
    for (const walk of this.#kept.values()) walk.steps.return(undefined)
    this.#kept.clear()
  }

  #take(scan: StateScan): Walk | undefined {
    const name = nameOf(scan, scan.from.passed)
    const walk = this.#kept.get(name)
    this.#kept.delete(name)
    return walk
  }

  #keep(scan: StateScan, passed: number, walk: Walk): void {
    const name = nameOf(scan, passed)
    this.#kept.get(name)?.steps.return(undefined)
    this.#kept.delete(name)
    this.#kept.set(name, walk)
    if (this.#kept.size <= mostKept) return
    const [oldest] = this.#kept.keys()
    this.#kept.get(oldest!)!.steps.return(undefined)
    this.#kept.delete(oldest!)
  }
}

function nameOf({ operator, table, prefix, range }: StateScan, passed: number): string {
  return JSON.stringify([operator, table, prefix, range?.from, range?.to, passed])
}

function nextOf({ steps }: Walk): StateRow | number | undefined {
  const next = steps.next()
  return next.done === true ? undefined : next.value
}
