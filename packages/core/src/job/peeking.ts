import type { Clock } from '@millrace/world'
import { MillraceError } from '../errors/errors.ts'
import type { Graph } from '../graph/node.ts'
import type { Key } from '../record/key.ts'
import { hasOwnKey, nextKeyOf, peekOutputs } from './peek-outputs.ts'
import type { Peeked, PeekedRecord, PeekRequest } from './peek-request.ts'
import { RateWindow } from './rate-window.ts'
import { allOf } from './team.ts'
import type { Worker } from './worker.ts'

/** Which records are shown. */
export interface PeekOptions {
  /** A part of the pipeline. Of a sink those are shown that it reads. */
  readonly operator: string
  /** A side output of it. Default: its main output. */
  readonly output?: string | undefined
  /** Only records of this key. Default: all. */
  readonly key?: { readonly is: Key } | undefined
  /** How many records are shown in a second at most, 1 to 100. Default 10. */
  readonly perSecond?: number | undefined
  /** Names of fields and headers whose values are hidden; then keys and bare values are hidden as well. Default: none. */
  readonly redact?: readonly string[] | undefined
}

/** What a peek needs of its job. */
interface PeekSurroundings {
  readonly settings: { readonly graph: Graph; readonly platform: { readonly clock: Clock } }
  /** Throws `JOB_FAILED` while the job does not run. */
  readonly workers: () => readonly Pick<Worker, 'peek' | 'endPeek'>[]
}

const perSecondMax = 100
let made = 0

/**
 * A look at the records that a part of a running job emits, in all its subtasks. It shows a sample: so many in a second, copied when they
 * were emitted. While it looks each record costs some calls more at this part; it does not delay or change any.
 */
export class Peek implements AsyncDisposable {
  readonly #around: PeekSurroundings
  readonly #request: PeekRequest
  readonly #window: RateWindow
  #isOver = false

  constructor(options: PeekOptions, around: PeekSurroundings) {
    const { operator, output, key, perSecond = 10, redact = [] } = options
    const { graph } = around.settings
    const outputs = peekOutputs(graph, operator, output)
    if (!Number.isInteger(perSecond) || perSecond < 1 || perSecond > perSecondMax) {
      throw new MillraceError(
        'OPTION_INVALID',
        `perSecond is ${perSecond}; give an integer from 1 to ${perSecondMax}`,
      )
    }
    const haveKeys = outputs.some(
      (each) => hasOwnKey(graph, each.part) || nextKeyOf(graph, each) !== undefined,
    )
    if (key !== undefined && !haveKeys) {
      throw new MillraceError(
        'OPTION_INVALID',
        `the records of '${operator}' have no key; choose an operator after keyBy, or leave out the key`,
      )
    }
    this.#around = around
    this.#request = { id: ++made, outputs, key, perSecond, redact }
    this.#window = new RateWindow(perSecond)
  }

  /**
   * The records since the last call; the first call begins to look. Call it some times a second: after five seconds without a call the
   * job looks no more, until the next one. After a restart it continues with the next call.
   *
   * Rejects with `JOB_FAILED` while the job does not run, and with the error of a worker that ends meanwhile.
   */
  async take(): Promise<Peeked> {
    await Promise.resolve()
    if (this.#isOver) return { records: [], seen: 0, matched: 0 }
    const parts = await allOf(this.#around.workers().map((worker) => worker.peek(this.#request)))
    return {
      records: this.#chosen(parts),
      seen: parts.reduce((sum, { seen }) => sum + seen, 0),
      matched: parts.reduce((sum, { matched }) => sum + matched, 0),
    }
  }

  /** Ends it: no subtask looks any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    let workers: ReturnType<PeekSurroundings['workers']> = []
    try {
      workers = this.#around.workers()
    } catch {
      // A job that does not run looks at nothing.
    }
    await Promise.allSettled(workers.map((worker) => worker.endPeek(this.#request.id)))
  }

  /** Each worker keeps to the rate; together they have to as well. */
  #chosen(parts: readonly Peeked[]): readonly PeekedRecord[] {
    if (parts.length === 1) return parts[0]!.records
    const all = parts.flatMap(({ records }) => records).toSorted((a, b) => a.at - b.at)
    return all.filter(({ at }) => this.#window.admits(at))
  }
}
