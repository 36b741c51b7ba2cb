import { nearest } from '@millrace/core'
import type { Peek } from '@millrace/core/job'
import type { Context, Hono } from 'hono'
import type { PeekEnd, PeekProgress } from '../contract/peek.ts'
import { routes } from '../contract/routes.ts'
import type { WatchedJob } from '../job/watched-job.ts'
import { jobOf, type ApiOptions, type Env } from './api-options.ts'
import { askedBy, audited } from './audit.ts'
import { requireRight } from './guard.ts'
import { countOf, RequestError } from './problems.ts'
import { keyIn } from './state-routes.ts'
import { streamOf, type Feed } from './stream.ts'

/** How often records are asked for, and how often the reader learns how many have passed, in milliseconds. */
const everyMs = 200
const progressMs = 1_000
/** The most peeks of a job at once. */
const peeksMax = 8

/** How long a peek lasts at most. */
interface Bounds {
  readonly limit: number
  readonly seconds: number
}

/** How many peeks of each job are open. */
const open = new WeakMap<WatchedJob, Set<PeekFeed>>()

/** The route that shows records of a running job. */
export function peekRoutes(app: Hono<Env>, options: ApiOptions): void {
  app.get(routes.peek, async (context) => {
    const job = jobOf(context, options)
    const operator = context.req.param('operator')
    const output = context.req.query('output') || undefined
    const asked = askedBy(context.get('role'), 'peek', { operator, output }, [job])
    const { peek, bounds } = await audited(asked, async () => {
      requireRight(context, 'peek')
      const begun = beginPeek(context, job, { operator, output, redact: options.redact })
      return { ...begun, text: `records of '${operator}' are shown` }
    })
    return streamOf((feed) => new PeekFeed(feed, job, peek, bounds), job)
  })
}

interface Looked {
  readonly operator: string
  readonly output: string | undefined
  readonly redact: readonly string[]
}

function beginPeek(
  context: Context<Env>,
  job: WatchedJob,
  looked: Looked,
): { readonly peek: Peek; readonly bounds: Bounds } {
  const names = job.graph.operators.map(({ id }) => id)
  if (!names.includes(looked.operator)) throw noOperator(looked.operator, names)
  if (job.job.status().phase === 'ended') throw new RequestError(409, 'JOB_FAILED', 'the job has ended')
  if ((open.get(job)?.size ?? 0) >= peeksMax) {
    throw new RequestError(429, 'TOO_MANY', `${peeksMax} others peek at this job; try again later`, 30)
  }
  const key = keyIn(context, context.req.query('key'))
  const perSecond = atLeastOne(context, 'rate', 10, 100)
  const bounds = {
    limit: atLeastOne(context, 'limit', 1_000, 10_000),
    seconds: atLeastOne(context, 'seconds', 30, 600),
  }
  return { peek: job.job.peek({ ...looked, key, perSecond }), bounds }
}

function noOperator(given: string, names: readonly string[]): RequestError {
  const meant = nearest(given, names)
  const advice = meant === undefined ? `there are ${names.join(', ')}` : `did you mean '${meant}'?`
  return new RequestError(404, 'NOT_FOUND', `the pipeline has no operator '${given}'; ${advice}`)
}

function atLeastOne(context: Context, name: string, fallback: number, most: number): number {
  const value = countOf(context, name, fallback, most)
  if (value > 0) return value
  throw new RequestError(400, 'OPTION_INVALID', `${name} is 0; give an integer from 1 to ${most}`)
}

/**
 * Sends what a peek sees to one reader, until its bounds are reached, the job ends or the reader has gone. While the reader is behind nothing
 * is asked for, so what waits for it is bounded.
 */
class PeekFeed implements Disposable {
  readonly #feed: Feed
  readonly #job: WatchedJob
  readonly #peek: Peek
  readonly #limit: number
  readonly #endAt: number
  #progress: PeekProgress = { seen: 0, matched: 0, shown: 0 }
  #progressAt: number
  #timer: Disposable | undefined
  #isOver = false

  constructor(feed: Feed, job: WatchedJob, peek: Peek, { limit, seconds }: Bounds) {
    this.#feed = feed
    this.#job = job
    this.#peek = peek
    this.#limit = limit
    this.#progressAt = this.#clock.monotonic() + progressMs
    this.#endAt = this.#clock.monotonic() + seconds * 1_000
    const others = open.get(job) ?? new Set()
    open.set(job, others.add(this))
    void job.job.ended.then(() => this.#end('job'))
    void this.#look()
  }

  /** The reader has gone, or it is over. */
  [Symbol.dispose](): void {
    this.#isOver = true
    this.#timer?.[Symbol.dispose]()
    open.get(this.#job)?.delete(this)
    void this.#peek[Symbol.asyncDispose]()
  }

  get #clock(): WatchedJob['options']['platform']['clock'] {
    return this.#job.options.platform.clock
  }

  async #look(): Promise<void> {
    await this.#take()
    const now = this.#clock.monotonic()
    if (this.#progress.shown >= this.#limit) this.#end('limit')
    else if (now >= this.#endAt) this.#end('time')
    if (this.#isOver) return
    if (now >= this.#progressAt) {
      this.#progressAt = now + progressMs
      this.#feed.send('progress', this.#progress)
    }
    this.#timer = this.#clock.schedule(everyMs, () => void this.#look())
  }

  async #take(): Promise<void> {
    if (this.#feed.isBehind) return
    const taken = await this.#peek.take().catch(() => undefined)
    // While the job restarts nothing can be seen.
    if (taken === undefined || this.#isOver) return
    const records = taken.records.slice(0, this.#limit - this.#progress.shown)
    for (const record of records) this.#feed.send('record', record)
    const { seen, matched, shown } = this.#progress
    this.#progress = {
      seen: seen + taken.seen,
      matched: matched + taken.matched,
      shown: shown + records.length,
    }
  }

  #end(reason: PeekEnd['reason']): void {
    if (this.#isOver) return
    this.#feed.send('end', { ...this.#progress, reason } satisfies PeekEnd)
    this.#feed.close()
  }
}
