import type { EarlierEntry, Manifest, OperatorEntry, SinkEntry, WatermarkEntry } from './manifest.ts'
import { compareParts, entriesOf, lossText, waysOut, type PartComparison } from './parts.ts'
import { MillraceError } from '../errors/errors.ts'
import { nearest } from '../errors/nearest.ts'
import type { Graph } from '../graph/node.ts'
import { MIN_TIME, timeText } from '../record/time.ts'
import type { DiscardedState } from '../state/state-store.ts'

/** What a start does with the state of one part. */
export interface PartPlan {
  readonly name: string
  readonly kind: OperatorEntry['kind']
  /**
   * `same`: restored as it is. `converted`: restored, with the changes in `notes`. `dropped`: not restored, as the
   * user asked. `incompatible`: cannot be restored, so nothing is. `new`: not in the checkpoint.
   */
  readonly outcome: 'same' | 'converted' | 'dropped' | 'incompatible' | 'new'
  /** Sentences for people, without the part's name. */
  readonly notes: readonly string[]
}

/** What a start does with a checkpoint. */
export interface RestorePlan {
  readonly checkpoint: number
  /** Why the checkpoint does not belong to this job at all. */
  readonly problems: readonly string[]
  /** Parts of the checkpoint in its order, then the new ones. */
  readonly parts: readonly PartPlan[]
  /** Messages about requests to drop state that drop nothing. */
  readonly remarks: readonly string[]
  /** The manifest without the dropped state. */
  readonly restored: Manifest
  /** The program's parts, for the next manifests. */
  readonly operators: readonly OperatorEntry[]
  /** Operators of the program that begin without state: new ones, and those whose state is dropped as a whole. */
  readonly startsEmpty: readonly string[]
  /** State that the store must not restore. */
  readonly discard: readonly DiscardedState[]
  /** Sources and sinks whose positions or committables are not restored. */
  readonly abandoned: readonly string[]
}

/** The job that restores a checkpoint, besides its program. */
export interface RestoreOptions {
  readonly keyGroups: number
  readonly storeKind: string
  /** Other kinds of store whose snapshots it restores. */
  readonly restores?: readonly string[]
  /** `OPERATOR` or `OPERATOR/PIECE`: state to drop. */
  readonly dropState: readonly string[]
}

/**
 * Compares a checkpoint with a program: what would be restored, converted, dropped or rejected. Changes
 * nothing.
 *
 * @example
 * const plan = planRestore(manifest, graph, { keyGroups: 128, storeKind: 'memory', dropState: [] })
 * plan.parts // => [{ name: 'per-card', kind: 'operator', outcome: 'same', notes: [] }]
 */
export function planRestore(manifest: Manifest, graph: Graph, options: RestoreOptions): RestorePlan {
  return new Comparison(manifest, graph, options).plan()
}

/**
 * Throws `CHECKPOINT_INCOMPATIBLE`, with every reason and the options, unless the plan can be carried out.
 */
export function checkRestorable({ checkpoint, problems, parts }: RestorePlan): void {
  const reasons = [...problems]
  for (const { name, outcome, notes } of parts) {
    if (outcome === 'incompatible') reasons.push(...notes.map((note) => `'${name}': ${note}`))
  }
  if (reasons.length === 0) return
  throw new MillraceError(
    'CHECKPOINT_INCOMPATIBLE',
    `checkpoint ${checkpoint} does not fit this program, and nothing was restored or changed. ${reasons.join('. ')}`,
  )
}

/** What a plan does besides restoring state unchanged, as warnings. */
export function announcements({ checkpoint, parts, remarks, restored }: RestorePlan): readonly string[] {
  const changes = parts.flatMap(({ name, outcome, notes }) => {
    if (outcome === 'new') return [`'${name}' is not in checkpoint ${checkpoint} and starts empty`]
    const text = outcome === 'converted' ? 'is converted' : 'is dropped'
    return notes.map((note) => `'${name}' of checkpoint ${checkpoint} ${text}: ${note}`)
  })
  return [...endOfRunWarnings(restored), ...changes, ...remarks]
}

class Comparison {
  readonly #manifest: Manifest
  readonly #graph: Graph
  readonly #options: RestoreOptions
  readonly #requests: DropRequests
  readonly #parts: PartPlan[] = []
  readonly #operators: OperatorEntry[] = []
  readonly #discard: DiscardedState[] = []
  readonly #abandoned: string[] = []

  constructor(manifest: Manifest, graph: Graph, options: RestoreOptions) {
    this.#manifest = manifest
    this.#graph = graph
    this.#options = options
    this.#requests = new DropRequests(options.dropState, manifest)
  }

  plan(): RestorePlan {
    const program = entriesOf(this.#graph)
    const before = new Map(this.#manifest.operators.map((entry) => [entry.name, entry]))
    const added = program.filter(({ name }) => !before.has(name))
    for (const entry of before.values()) {
      const now = program.find(({ name }) => name === entry.name)
      if (now === undefined) this.#remove(entry, added)
      else this.#compare(entry, now)
    }
    for (const entry of added) {
      this.#parts.push({ name: entry.name, kind: entry.kind, outcome: 'new', notes: [] })
      this.#operators.push(entry)
    }
    const { checkpoint } = this.#manifest
    return {
      checkpoint,
      problems: this.#problems(),
      parts: this.#parts,
      remarks: this.#requests.unused(checkpoint, this.#manifest.operators),
      restored: this.#restored(),
      operators: this.#operators,
      startsEmpty: this.#parts
        .filter(({ outcome }) => outcome === 'new' || outcome === 'dropped')
        .map(({ name }) => name),
      discard: this.#discard,
      abandoned: this.#abandoned,
    }
  }

  /** The program no longer has the part. */
  #remove(entry: OperatorEntry, added: readonly OperatorEntry[]): void {
    const { name, kind } = entry
    if (kind === 'sink' && this.#pendingOf(name).length === 0) {
      this.#parts.push({ name, kind, outcome: 'dropped', notes: [] })
    } else if (this.#requests.covers(name, undefined, false)) {
      this.#drop(entry)
    } else {
      const twins = added.filter((other) => other.kind === kind && sameState(other, entry))
      const hint = twins.map((twin) => ` (if it was renamed to '${twin.name}', use the old name)`).join('')
      const note = `the program no longer has it${hint}. Restore its name, ${waysOut(entry)}`
      this.#parts.push({ name, kind, outcome: 'incompatible', notes: [note] })
    }
  }

  #compare(entry: OperatorEntry, now: OperatorEntry): void {
    const { name, kind } = entry
    const comparison = compareParts(entry, now, (piece, isRestorable) =>
      kind === 'operator' ? this.#requests.covers(name, piece, isRestorable) : false,
    )
    const isFit = comparison.problems.length === 0
    const isIdle = kind === 'sink' && now.kind === 'sink' && this.#pendingOf(name).length === 0
    if (this.#requests.covers(name, undefined, isFit)) {
      this.#drop(entry)
      this.#operators.push(now)
    } else if (isFit) {
      this.#keep(entry, now, comparison)
    } else if (isIdle) {
      const note = `it was of type ${entry.type} and is of type ${now.type}; no prepared output is pending`
      this.#abandon(entry, 'converted', [note])
      this.#operators.push(now)
    } else {
      this.#parts.push({ name, kind, outcome: 'incompatible', notes: comparison.problems })
    }
  }

  #keep(entry: OperatorEntry, now: OperatorEntry, comparison: PartComparison): void {
    const { name, kind } = entry
    const { conversions, changed, dropped } = comparison
    const notes = [...conversions]
    for (const piece of dropped) {
      this.#discard.push({ owner: name, table: piece.name })
      notes.push(`the values of state '${piece.name}' are dropped`)
    }
    const earlier = [
      ...entry.earlier,
      ...changed.map(({ name: setting, value }): EarlierEntry => ({
        setting,
        value,
        until: this.#reached(name),
      })),
    ]
    // The selector is that of the kinds in `keys` until the program's own selector has returned a key.
    this.#operators.push({ ...now, earlier, keys: entry.keys, keySelector: entry.keySelector })
    this.#parts.push({ name, kind, outcome: notes.length === 0 ? 'same' : 'converted', notes })
  }

  #drop(entry: OperatorEntry): void {
    const { name, kind } = entry
    if (kind === 'source') {
      // The finished splits are state.
      this.#discard.push({ owner: name })
      this.#abandon(entry, 'dropped', [fromTheBeginning])
    } else if (kind === 'sink') {
      this.#abandon(entry, 'dropped', [this.#lostWork(name)])
    } else {
      this.#discard.push({ owner: name })
      const note = kind === 'async' ? 'its calls in flight are not repeated' : lossText(entry)
      this.#parts.push({ name, kind, outcome: 'dropped', notes: [note] })
    }
  }

  #abandon({ name, kind }: OperatorEntry, outcome: PartPlan['outcome'], notes: readonly string[]): void {
    this.#abandoned.push(name)
    this.#parts.push({ name, kind, outcome, notes })
  }

  #lostWork(sink: string): string {
    const pending = this.#pendingOf(sink)
    if (pending.length === 0) return 'no prepared output is pending'
    const text = JSON.stringify(pending.map(({ committable }) => committable))
    const shown = text.length > longestShown ? `${text.slice(0, longestShown)}...` : text
    return `its prepared output is not committed: ${shown}. Data that the old sink has stored elsewhere stays there`
  }

  #pendingOf(sink: string): readonly SinkEntry[] {
    return this.#manifest.sinks.filter((entry) => entry.sink === sink && entry.isCommitted !== true)
  }

  /** How far the operator had advanced in event time. */
  #reached(operator: string): EarlierEntry['until'] {
    const own = this.#manifest.watermarks.filter((entry) => entry.operator === operator)
    return own.map(({ groups, watermark }) => ({ groups, watermark }))
  }

  #problems(): readonly string[] {
    const { pipeline, keyGroups, store } = this.#manifest
    const problems: string[] = []
    if (pipeline !== this.#graph.name) {
      problems.push(
        `It belongs to pipeline '${pipeline}', not '${this.#graph.name}'. Use another data directory`,
      )
    }
    if (keyGroups !== this.#options.keyGroups) {
      problems.push(
        `It has ${keyGroups} key groups, the job ${this.#options.keyGroups}; they cannot change once there is state`,
      )
    }
    const { storeKind, restores = [] } = this.#options
    if (store.kind !== storeKind && !restores.includes(store.kind)) {
      problems.push(`Its state was kept in store '${store.kind}', not '${storeKind}'`)
    }
    return problems
  }

  #restored(): Manifest {
    const { sources, sinks, watermarks } = this.#manifest
    const dropped = this.#discard.filter(({ table }) => table === undefined).map(({ owner }) => owner)
    const isKept = (name: string) => !this.#abandoned.includes(name) && !dropped.includes(name)
    return {
      ...this.#manifest,
      operators: this.#operators,
      sources: sources.filter(({ source }) => isKept(source)),
      sinks: sinks.filter(({ sink }) => isKept(sink)),
      // A part whose state is dropped starts empty, without a watermark.
      watermarks: watermarks.filter(({ operator }) => isKept(operator)),
    }
  }
}

const longestShown = 300

const fromTheBeginning =
  'it is read from its beginning, and records older than the watermark of later operators count as late'

/** Whether a part is probably another one, renamed. */
function sameState(a: OperatorEntry, b: OperatorEntry): boolean {
  const text = ({ type, pieces, settings }: OperatorEntry) => JSON.stringify([type, pieces, settings])
  return text(a) === text(b)
}

/**
 * Requests to drop state: `OPERATOR` or `OPERATOR/PIECE`.
 *
 * A request is carried out once. It often stays in a service's command line, and must not drop the state
 * again at the next restart. So each manifest contains the requests of the run that wrote it.
 */
class DropRequests {
  readonly #requests: readonly string[]
  /** Those of a reset, which are carried out besides. */
  readonly #reset: ReadonlySet<string>
  readonly #done: ReadonlySet<string>
  readonly #used = new Set<string>()

  constructor(requests: readonly string[], { dropState, reset }: Pick<Manifest, 'dropState' | 'reset'>) {
    this.#requests = requests
    this.#reset = new Set(reset?.drop)
    this.#done = new Set(dropState)
  }

  /** Whether to drop state. State that cannot be restored is dropped on every request, other state once. */
  covers(part: string, piece: string | undefined, isRestorable: boolean): boolean {
    const request = piece === undefined ? part : `${part}/${piece}`
    if (this.#reset.has(request)) {
      this.#used.add(request)
      return true
    }
    if (!this.#requests.includes(request) || (isRestorable && this.#done.has(request))) return false
    this.#used.add(request)
    return true
  }

  /** Requests that dropped nothing, each with the reason. */
  unused(checkpoint: number, operators: readonly OperatorEntry[]): readonly string[] {
    const known = operators.flatMap(({ name, pieces }) => [
      name,
      ...pieces.map((piece) => `${name}/${piece.name}`),
    ])
    return this.#requests
      .filter((request) => !this.#used.has(request))
      .map((request) => {
        if (this.#done.has(request)) {
          return `--drop-state ${request} drops nothing: checkpoint ${checkpoint} is from a run with the same option, and the state is not dropped again. Remove the option`
        }
        const part = request.split('/')[0]!
        const own = known.filter((each) => each.startsWith(`${part}/`))
        const meant = nearest(request, own.length > 0 ? own : known)
        const advice =
          meant === undefined
            ? `It has ${(own.length > 0 ? own : operators.map(({ name }) => name)).join(', ')}`
            : `Did you mean ${meant}?`
        return `--drop-state ${request} drops nothing: checkpoint ${checkpoint} has no state of that name. ${advice}`
      })
  }
}

/**
 * The warning for a start after the end of a run: up to which time each operator had fired windows and timers
 * only because the input ended. Empty for any other checkpoint.
 */
function endOfRunWarnings({ phase, checkpoint, watermarks }: Manifest): readonly string[] {
  if (phase !== 'finished') return []
  const early = watermarks.filter(hasFiredEarly)
  return [...new Set(early.map(({ operator }) => operator))].map((operator) => {
    const own = early.filter((entry) => entry.operator === operator)
    const firedTo = Math.max(...own.map((entry) => entry.firedTo!))
    const reached = Math.min(...own.map(({ watermark }) => watermark ?? MIN_TIME))
    const before = reached === MIN_TIME ? 'no event time' : `event time ${timeText(reached)}`
    return `checkpoint ${checkpoint} is the end of a run: '${operator}' had reached ${before}, and fired everything that was due up to ${timeText(firedTo)}. A new record in a window that fired early produces another result for that window, from new records only; with emit: 'updates' it updates the row of the window`
  })
}

function hasFiredEarly({ firedTo, watermark }: WatermarkEntry): boolean {
  return firedTo !== null && (watermark === null || firedTo > watermark)
}
