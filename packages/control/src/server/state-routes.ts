import type { Context, Hono } from 'hono'
import type { Key } from '@millrace/core'
import type { StateQuery } from '@millrace/core/job'
import { routes } from '../contract/routes.ts'
import { CopyState } from '../parts/copy-state.ts'
import { partName, type DividedJob } from '../parts/divided-job.ts'
import { DividedState } from '../parts/divided-state.ts'
import { keyOf } from '../state/state-view.ts'
import { JobState, type KeyRequest, type StateSource } from '../state/state-source.ts'
import { jobOf, pageMax, type ApiOptions, type Env } from './api-options.ts'
import { untilContains } from './at-least.ts'
import { credentialsOf } from './guard.ts'
import { countOf, RequestError, wordOf } from './problems.ts'
import { watchState, type Watched } from './watch-state.ts'

/** The routes for the state of operators, of a job, of a part of one, and of all parts together. */
export function stateRoutes(app: Hono<Env>, options: ApiOptions): void {
  app.get(routes.parts, (context) => {
    const whole = wholeOf(context, options)
    if (whole === undefined) throw new RequestError(404, 'NOT_FOUND', 'the job is not divided among workers')
    return context.json(whole.places())
  })
  app.get(routes.state, async (context) => context.json(await sourceOf(context, options).list()))
  app.get(routes.stateScan, async (context) => {
    const source = sourceOf(context, options)
    await waitAsAsked(context, options)
    const page = await source.page({
      ...requestIn(context, source),
      prefix: context.req.query('prefix') || undefined,
      range: rangeIn(context),
      cursor: context.req.query('cursor') || '0',
      limit: countOf(context, 'limit', 100, pageMax),
    })
    return context.json(page)
  })
  app.get(routes.stateOfKey, async (context) => {
    const source = sourceOf(context, options)
    const key = keyIn(context, context.req.param('key'))!.is
    await waitAsAsked(context, options)
    return context.json(await source.ofKey({ ...requestIn(context, source), key }))
  })
  app.get(routes.watch, (context) => {
    const watched = watchedOf(context, options)
    return watchState(context, watched, {
      ...requestIn(context, watched.source),
      key: keyIn(context, context.req.query('key')),
      limit: countOf(context, 'limit', 100, 1_000),
    })
  })
}

/** Waits until the state contains the checkpoint that a request names. Throws where it is not one job that is asked. */
async function waitAsAsked(context: Context<Env>, options: ApiOptions): Promise<void> {
  const atLeast = countOf(context, 'atLeast', 0, Number.MAX_SAFE_INTEGER)
  if (atLeast === 0) return
  if ((wholeOf(context, options) ?? copyOf(context, options)) !== undefined) {
    const text =
      'atLeast is a checkpoint of one job or part; parts of a job count their checkpoints by themselves'
    throw new RequestError(400, 'OPTION_INVALID', text)
  }
  await untilContains(jobOf(context, options), atLeast)
}

/** Where the state of a request is. Throws where the job is not here. */
function sourceOf(context: Context<Env>, options: ApiOptions): StateSource {
  return wholeOf(context, options) ?? copyOf(context, options) ?? new JobState(jobOf(context, options))
}

/** All parts of the job of a request together; undefined if it is no job in parts. */
function wholeOf(context: Context<Env>, { divided, jobs, ask }: ApiOptions): DividedState | undefined {
  const surface = divided()
  if (surface === undefined || surface.divided.name !== context.req.param('job')) return undefined
  return new DividedState({ ...surface, jobs, ask, credentials: credentialsOf(context) })
}

/** The copy that this process keeps of the part of a request; undefined if it is not asked for. */
function copyOf(context: Context<Env>, { divided }: ApiOptions): CopyState | undefined {
  const surface = divided()
  if (surface === undefined || context.req.query('copy') !== 'true') return undefined
  const part = partOf(context.req.param('job')!, surface.divided)
  const stored = part === undefined ? undefined : surface.divided.copyHere(part)
  if (stored === undefined) return undefined
  const { graph, divided: job } = surface
  return new CopyState({ part: partName(job, part!), stored, graph, clock: job.clock })
}

/** The number of the part of a name; undefined if it is none. */
function partOf(name: string, divided: DividedJob): number | undefined {
  const number = Number(name.slice(divided.name.length + 1))
  return Number.isInteger(number) && name === partName(divided, number) ? number : undefined
}

/** What a request watches: one job, or all parts of one. */
function watchedOf(context: Context<Env>, options: ApiOptions): Watched {
  const whole = wholeOf(context, options)
  if (whole === undefined) {
    const job = jobOf(context, options)
    return {
      owner: job,
      source: new JobState(job),
      now: job.now,
      onMeasured: (listener) => job.onMeasured(listener),
      onGone: (listener) => job.onGone(listener),
    }
  }
  const { divided } = options.divided()!
  return {
    owner: divided,
    source: whole,
    now: divided.clock.now(),
    onMeasured: (listener) => everySecond(divided, listener),
    // It is there as long as the process.
    onGone: () => ({ [Symbol.dispose]: () => {} }),
  }
}

function everySecond({ clock }: DividedJob, listener: () => void): Disposable {
  let timer: Disposable
  const tick = (): void => {
    timer = clock.schedule(1_000, tick)
    listener()
  }
  timer = clock.schedule(1_000, tick)
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() }
}

/** What all requests for values say. Throws where the operator has no state. */
function requestIn(context: Context<Env>, { graph }: StateSource): Omit<KeyRequest, 'key'> {
  const operator = context.req.param('operator')!
  if (!graph.operators.some(({ id, hasState }) => id === operator && hasState))
    throw new RequestError(404, 'NOT_FOUND', `the pipeline has no operator '${operator}' with state`)
  return {
    operator,
    table: context.req.query('table') || undefined,
    read: wordOf(context, 'read', ['latest', 'checkpoint']),
    form: wordOf(context, 'values', ['shown', 'exact']),
    isStaleFine: wordOf(context, 'stale', ['false', 'true']) === 'true',
  }
}

/** The key of a request; undefined if it has none. */
export function keyIn(context: Context<Env>, given: string | undefined): { readonly is: Key } | undefined {
  if (given === undefined) return undefined
  const key = keyOf(given, wordOf(context, 'keyType', ['text', 'json']))
  if (key !== undefined) return { is: key }
  throw new RequestError(
    400,
    'OPTION_INVALID',
    `the key '${given}' is no JSON; leave out keyType=json for text`,
  )
}

function rangeIn(context: Context<Env>): StateQuery['range'] {
  const [from, to] = ['from', 'to'].map((name) => keyIn(context, context.req.query(name) || undefined)?.is)
  if (from === undefined && to === undefined) return undefined
  for (const end of [from, to]) {
    if (end === undefined || typeof end === 'string' || typeof end === 'number') continue
    throw new RequestError(400, 'OPTION_INVALID', 'from and to are text or numbers')
  }
  return { from: from as RangeEnd, to: to as RangeEnd }
}

type RangeEnd = string | number | undefined
