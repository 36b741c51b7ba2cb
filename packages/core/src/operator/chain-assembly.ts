import { nothingCodec } from '../codec/codec.ts'
import { keyGroup } from '../record/key-group.ts'
import type { PartFrame } from '../disk/profiler.ts'
import type { Slicing } from '../disk/yield-budget.ts'
import { KeyScope } from '../state/keyed-handles.ts'
import type { OwnTableSpec, StateTable, TableSpec } from '../state/state-store.ts'
import type { TimerDomain } from '../time/due-timer.ts'
import { TimerQueue } from '../time/timer-queue.ts'
import type { ChainPart, ChainTarget } from './chain-part.ts'
import type { Cursor } from './cursor.ts'
import { FailurePolicy, type Retry } from './failure-policy.ts'
import type { EarlierSetting, Fingerprint } from '../state/fingerprint.ts'
import type { Step } from './fuse.ts'
import { FusedLink } from './fused-link.ts'
import { KeyKinds, selectorMark, type KeySelectors } from './key-kinds.ts'
import { ChainedOperatorContext } from './operator-context.ts'
import { OperatorLink } from './operator-link.ts'
import { OperatorTraces } from './operator-traces.ts'
import type { Collector, OperatorMetric } from './operator.ts'
import { oneReceiver, type PartFlow, type Receiver } from './receiver.ts'
import { RecordTransaction } from './record-transaction.ts'
import type { PartOutput, Tap } from './tap.ts'
import type { Tracing } from './tracing.ts'
import { MillraceError } from '../errors/errors.ts'

/** What a chain needs from its task. */
export interface ChainSurroundings {
  readonly pipeline: string
  readonly subtask: number
  readonly keyGroups: number
  readonly cursor: Cursor
  readonly budget: Slicing
  /** The task's outputs, by the numbers that `ChainTarget` uses. */
  readonly ports: readonly Receiver[]
  now(): number
  /** `isShared`: the table is the same in every subtask. */
  table<T>(owner: string, spec: Pick<TableSpec<T>, 'name' | 'codec'>, isShared?: boolean): StateTable<T>
  /**
   * What the restored checkpoint says about an operator besides its state; undefined if it does not know the
   * operator.
   */
  history(operator: string): OperatorHistory | undefined
  count(operator: string, metric: OperatorMetric, by: number): void
  warn(message: string): void
  /** Keeps records of the first part that have failed for another attempt. */
  readonly retry?: Retry | undefined
  /** Makes spans of records. Absent: nothing is traced. */
  readonly tracing?: Tracing | undefined
}

/** What a checkpoint says about an operator besides its state. */
export interface OperatorHistory {
  readonly earlier: readonly EarlierSetting[]
  /** The kinds of key that its state has. */
  readonly keys: readonly string[]
  /** Identifies the key selector that they came from. */
  readonly keySelector: string | null
}

/** What the running chain provides to its operators. */
interface ChainAnswers {
  noteTimer(domain: TimerDomain, time: number): void
}

interface OpeningParts {
  readonly name: string
  readonly scope: KeyScope
  readonly transaction: RecordTransaction | undefined
  readonly outputs: ReadonlyMap<string, Collector<unknown>>
  readonly fingerprint: Fingerprint | undefined
}

/** Builds the links of a chain from its description. Used once per task and start. */
export class ChainAssembly {
  readonly #around: ChainSurroundings
  readonly #chain: ChainAnswers
  readonly #links: OperatorLink[] = []
  readonly #fusedLinks: FusedLink[] = []
  /** The links of operators that several parts feed: they are visited once for each. */
  readonly #made = new Map<ChainPart, OperatorLink>()
  readonly #opening = new Map<OperatorLink, OpeningParts>()
  /** By operator. */
  readonly #tables = new Map<string, readonly Pick<StateTable<unknown>, 'size'>[]>()

  constructor(around: ChainSurroundings, chain: ChainAnswers) {
    this.#around = around
    this.#chain = chain
  }

  /** The operators created so far, each before all that it feeds. */
  links(): readonly OperatorLink[] {
    // They were created in reverse order, since a link needs its targets first, also for one with several
    // inputs.
    return this.#links.toReversed()
  }

  /** The records of each part so far. A step that several streams enter is listed for each. */
  *flows(): Iterable<PartFlow> {
    for (const link of this.#links) yield link.flow
    for (const link of this.#fusedLinks) yield* link.flows()
  }

  /** Gives each part frames of its own in profiles, or takes them away. */
  frameParts(isFramed: boolean): readonly PartFrame[] {
    return [...this.#links, ...this.#fusedLinks].flatMap((link) => link.frameParts(isFramed))
  }

  /** Lets `tap` see what leaves an output of a part; undefined: nothing does any more. */
  tap(output: PartOutput, tap: Tap | undefined): void {
    for (const link of [...this.#links, ...this.#fusedLinks]) link.tap(output, tap)
  }

  receiver(targets: readonly ChainTarget[]): Receiver {
    return oneReceiver(
      targets.map((target) => {
        if (target.kind === 'port') return this.#around.ports[target.port]!
        if (target.part.work.kind === 'step') return this.#fused(target.part)
        return this.#operator(target.part).input(target.input ?? 0)
      }),
    )
  }

  /** Calls the operator's `open`, once the whole chain exists. */
  open(link: OperatorLink): void {
    const { name, scope, transaction, outputs, fingerprint } = this.#opening.get(link)!
    const around = this.#around
    const context = new ChainedOperatorContext({
      name,
      subtask: around.subtask,
      scope,
      timers: link.timers,
      transaction,
      watermark: () => link.watermark,
      passed: () => link.passed,
      now: () => around.now(),
      expiries: link.expiries,
      expiryTime: () => link.expiryTime,
      setHeaders: (headers) => link.setHeaders(headers),
      output: (output) => {
        const collector = outputs.get(output)
        if (collector !== undefined) return collector
        return link.collector(oneReceiver([]), output)
      },
      count: (metric, by) => around.count(name, metric, by),
      table: (spec) => {
        checkPiece(name, spec.name, fingerprint)
        return this.#table(name, spec)
      },
      sharedTable: (spec) => {
        checkPiece(name, spec.name, fingerprint)
        return around.table(name, spec, true)
      },
      earlier: around.history(name)?.earlier ?? [],
      noteTimer: (domain, time) => this.#chain.noteTimer(domain, time),
    })
    link.keys = () => context.keys()
    link.operator.open?.(context)
  }

  /** Fuses `first` with the following steps, as long as each has one reader. */
  #fused(first: ChainPart): Receiver {
    const parts = [first]
    let targets = first.targets.get('main') ?? []
    while (targets.length === 1) {
      const [target] = targets
      if (target?.kind !== 'part' || target.part.work.kind !== 'step') break
      parts.push(target.part)
      targets = target.part.targets.get('main') ?? []
    }
    const steps = parts.map((part) => ({
      step: (part.work as { readonly step: Step }).step,
      policy: this.#policy(part),
    }))
    const link = new FusedLink(steps, this.#around.cursor, this.receiver(targets), this.#around.tracing)
    this.#fusedLinks.push(link)
    return link
  }

  #operator(part: ChainPart): OperatorLink {
    const made = this.#made.get(part)
    if (made !== undefined) return made
    if (part.work.kind !== 'operator') throw new MillraceError('INTERNAL', `${part.name} is no operator`)
    const { create, keys, fingerprint } = part.work
    const { keyGroups, tracing, cursor } = this.#around
    const outputs = new Map(
      [...part.targets].map(([name, targets]) => [name, this.receiver(targets)] as const),
    )
    const scope = new KeyScope(part.name, keyGroups)
    const policy = this.#policy(part, outputs.get('errors'))
    const transaction = policy.leavesOut ? new RecordTransaction(cursor) : undefined
    const link = new OperatorLink({
      operator: create(),
      keys,
      scope,
      timers: keys.length === 0 ? undefined : this.#timers(part.name),
      policy,
      kinds: this.#keyKinds(part.name, keys),
      isFirst: this.#around.subtask === 0,
      cursor,
      transaction,
      traces: tracing && new OperatorTraces(tracing, cursor),
      target: outputs.get('main') ?? oneReceiver([]),
    })
    const collectors = new Map(
      [...outputs].map(([name, target]) => [name, link.collector(target, name)] as const),
    )
    this.#opening.set(link, { name: part.name, scope, transaction, outputs: collectors, fingerprint })
    this.#links.push(link)
    this.#made.set(part, link)
    return link
  }

  #timers(owner: string): TimerQueue {
    // The queue keeps its timers in the cells.
    const table = this.#table<undefined>(owner, { name: '#timers', codec: nothingCodec, staysLive: true })
    return new TimerQueue(table, (token) => keyGroup(token, this.#around.keyGroups))
  }

  #keyKinds(operator: string, keys: KeySelectors): KeyKinds {
    const history = this.#around.history(operator)
    return new KeyKinds(operator, {
      restored: history?.keys ?? [],
      restoredSelector: history?.keySelector ?? null,
      selector: selectorMark(keys),
      hasState: () => (this.#tables.get(operator) ?? []).some((table) => table.size > 0),
      warn: (message) => this.#around.warn(message),
    })
  }

  #table<T>(owner: string, spec: OwnTableSpec<T>): StateTable<T> {
    const table = this.#around.table(owner, spec)
    const tables = this.#tables.get(owner) ?? []
    this.#tables.set(owner, [...tables, table])
    return table
  }

  #policy(part: ChainPart, deadLetters?: Receiver): FailurePolicy {
    return new FailurePolicy({
      kind: part.onError,
      operator: part.name,
      pipeline: this.#around.pipeline,
      deadLetters: deadLetters ?? this.receiver(part.targets.get('errors') ?? []),
      now: () => this.#around.now(),
      count: (metric) => this.#around.count(part.name, metric, 1),
      retry: part.isRetried === true ? this.#around.retry : undefined,
    })
  }
}

/** A later program without a piece of state that the fingerprint does not name would lose it silently. */
function checkPiece(operator: string, piece: string, fingerprint: Fingerprint | undefined): void {
  if (fingerprint === undefined || fingerprint.pieces.some(({ name }) => name === piece)) return
  throw new MillraceError(
    'GRAPH_INVALID',
    `operator '${operator}' asks for state '${piece}', which its fingerprint does not name; add the piece to 'fingerprint'`,
  )
}
