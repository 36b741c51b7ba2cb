import { Hono, type Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { routes } from '../contract/routes.ts'
import type { JobList, Readiness } from '../contract/job.ts'
import { rightOfAction, type Session } from '../contract/rights.ts'
import type { EventPage, EventRow, LogPage } from '../contract/happenings.ts'
import type { WatchedJob } from '../job/watched-job.ts'
import { splitPage } from '../job/split-page.ts'
import { lettersOf, letterLogs, type LoggedLetter } from '../letters/letters.ts'
import { letterDetail, letterGroups, letterPage } from '../letters/letter-rows.ts'
import { profileJob } from '../profile/profile-job.ts'
import { prometheusText, prometheusType } from '../metrics/prometheus.ts'
import { act, actionNameOf, actOnWhole } from './actions.ts'
import { askedBy, audited } from './audit.ts'
import { jobOf, pageMax, wholeJobOf, type ApiOptions, type Env } from './api-options.ts'
import { guard, requireRight, roleOfToken, tokenCookie } from './guard.ts'
import { answerTo, countOf, problem, RequestError, wordOf } from './problems.ts'
import { peekRoutes } from './peek-routes.ts'
import { stateRoutes } from './state-routes.ts'
import { eventStream } from './stream.ts'

/** Larger bodies are refused, in bytes. */
const bodyMax = 64 * 1024
const logLevels = ['debug', 'info', 'warning', 'error'] as const

/** The routes of the control API. */
export function controlApi(options: ApiOptions): Hono<Env> {
  const app = new Hono<Env>()
  app.use(async (context, next) => {
    await next()
    protect(context)
  })
  app.use(guard(options))
  app.use(
    bodyLimit({
      maxSize: bodyMax,
      onError: (context) => problem(context, 413, 'TOO_LARGE', 'the body is too large'),
    }),
  )
  app.onError(answerTo)
  probes(app, options)
  figures(app, options)
  happenings(app, options)
  stateRoutes(app, options)
  letters(app, options)
  actions(app, options)
  profiles(app, options)
  peekRoutes(app, options)
  app.notFound(async (context) => {
    const isApi = context.req.path.startsWith('/api')
    const file = isApi || context.req.method !== 'GET' ? undefined : await options.files?.(context.req.path)
    return file ?? problem(context, 404, 'NOT_FOUND', `there is nothing at ${context.req.path}`)
  })
  return app
}

const policy =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

/** Headers that keep a browser from doing what no page of ours asks for. */
function protect(context: Context): void {
  context.header('content-security-policy', policy)
  context.header('x-content-type-options', 'nosniff')
  context.header('x-frame-options', 'DENY')
  context.header('referrer-policy', 'no-referrer')
  context.header('cross-origin-resource-policy', 'same-origin')
  context.header('cross-origin-opener-policy', 'same-origin')
  if (!context.res.headers.has('cache-control')) context.header('cache-control', 'no-store')
}

function probes(app: Hono<Env>, options: ApiOptions): void {
  const { jobs, version, openApi } = options
  app.get(routes.openapi, (context) => {
    context.header('content-type', 'application/json')
    return context.body(openApi)
  })
  app.get(routes.live, (context) => context.text('ok\n'))
  app.get(routes.ready, (context) => {
    const states = [...jobs.values()].map((job) => job.readiness())
    const waits = options.waits?.()
    const isSetUp = waits === undefined ? states.length > 0 : waits.length === 0
    const isReady = isSetUp && states.every((state) => state.isReady)
    const all = [...(waits ?? []), ...states.flatMap((state) => state.reasons)]
    const readiness: Readiness = { isReady, reasons: context.get('mayRead') ? all : [] }
    return context.json(readiness, isReady ? 200 : 503)
  })
  app.get(routes.session, (context) => {
    const session: Session = {
      role: context.get('role'),
      rights: [...context.get('rights')],
      version,
      now: firstOf(jobs)?.now ?? 0,
    }
    return context.json(session)
  })
  app.post(routes.login, async (context) => {
    const body = await context.req.parseBody()
    const given = typeof body['token'] === 'string' ? body['token'] : undefined
    if (roleOfToken(given, options) === undefined)
      return problem(context, 401, 'UNAUTHORIZED', 'the token is not known')
    const cookie = `${tokenCookie}=${encodeURIComponent(given!)}; Path=/; HttpOnly; SameSite=Strict`
    context.header('set-cookie', cookie)
    return context.redirect('/', 303)
  })
}

function firstOf(jobs: ReadonlyMap<string, WatchedJob>): WatchedJob | undefined {
  return jobs.values().next().value
}

function figures(app: Hono<Env>, options: ApiOptions): void {
  const { jobs } = options
  app.get(routes.metrics, (context) => {
    context.header('content-type', prometheusType)
    return context.body(prometheusText([...jobs.values()]))
  })
  app.get(routes.jobs, (context) => {
    const summaries = [...jobs.values()].map((job) => job.summary())
    const list: JobList = { jobs: summaries, whole: options.divided()?.divided.name ?? null }
    return context.json(list)
  })
  app.get(routes.job, (context) => context.json(jobOf(context, options).overview()))
  app.get(routes.graph, (context) => context.json(jobOf(context, options).graph))
  app.get(routes.figures, (context) => context.json(jobOf(context, options).figures()))
  app.get(routes.history, (context) => context.json(jobOf(context, options).history()))
  app.get(routes.operator, (context) => {
    const name = context.req.param('operator')
    const detail = jobOf(context, options).detail(name)
    if (detail === undefined)
      throw new RequestError(404, 'NOT_FOUND', `the pipeline has no operator '${name}'`)
    return context.json(detail)
  })
  app.get(routes.splits, (context) =>
    context.json(
      splitPage(jobOf(context, options), {
        source: context.req.query('source'),
        sort: wordOf(context, 'sort', ['name', 'lag', 'watermark', 'records']),
        limit: countOf(context, 'limit', 100, pageMax),
        from: countOf(context, 'cursor', 0, Number.MAX_SAFE_INTEGER),
      }),
    ),
  )
  app.get(routes.checkpoints, (context) => context.json(jobOf(context, options).checkpoints()))
  app.get(routes.doctor, (context) => context.json(jobOf(context, options).diagnosis()))
}

function happenings(app: Hono<Env>, options: ApiOptions): void {
  app.get(routes.events, (context) => {
    const { events } = jobOf(context, options).happenings
    const kind = context.req.query('kind') || undefined
    const operator = context.req.query('operator') || undefined
    const least = logLevels.indexOf(wordOf(context, 'level', ['debug', ...logLevels]))
    const isWanted = (row: EventRow): boolean =>
      (kind ?? row.kind) === row.kind &&
      (operator ?? row.operator) === row.operator &&
      logLevels.indexOf(row.level) >= least
    const limit = countOf(context, 'limit', 500, pageMax)
    const after = countOf(context, 'after', 0, Number.MAX_SAFE_INTEGER)
    const { entries, isCut } = events.after(after, limit, isWanted)
    const page: EventPage = { events: entries, last: entries.at(-1)?.id ?? events.last, isCut }
    return context.json(page)
  })
  app.get(routes.logs, (context) => {
    const { lines } = jobOf(context, options).happenings
    const least = logLevels.indexOf(wordOf(context, 'level', ['debug', ...logLevels]))
    const limit = countOf(context, 'limit', 500, pageMax)
    const after = countOf(context, 'after', 0, Number.MAX_SAFE_INTEGER)
    const { entries, isCut } = lines.after(after, limit, ({ level }) => logLevels.indexOf(level) >= least)
    const page: LogPage = { lines: entries, last: entries.at(-1)?.id ?? lines.last, isCut }
    return context.json(page)
  })
  app.get(routes.stream, (context) => eventStream(context, jobOf(context, options)))
}

async function selected(context: Context<Env>, job: WatchedJob): Promise<readonly LoggedLetter[]> {
  if (letterLogs(job.options).length === 0) return []
  const query = (name: string): string | undefined => context.req.query(name) || undefined
  return lettersOf(job.options, { log: query('log'), operator: query('operator'), code: query('code') })
}

function letters(app: Hono<Env>, options: ApiOptions): void {
  app.get(routes.letters, async (context) => {
    const job = jobOf(context, options)
    const from = countOf(context, 'cursor', 0, Number.MAX_SAFE_INTEGER)
    const limit = countOf(context, 'limit', 100, pageMax)
    return context.json(letterPage(job.options, await selected(context, job), from, limit))
  })
  app.get(routes.letterGroups, async (context) =>
    context.json(letterGroups(await selected(context, jobOf(context, options)))),
  )
  app.get(routes.letter, async (context) => {
    const job = jobOf(context, options)
    const id = context.req.param('id')
    const letter = (await selected(context, job)).find((each) => each.letter.id === id)
    if (letter === undefined) throw new RequestError(404, 'NOT_FOUND', `there is no letter '${id}'`)
    return context.json(letterDetail(job.options, letter))
  })
}

/** The longest profile, in seconds. */
const profileMax = 60

function profiles(app: Hono<Env>, options: ApiOptions): void {
  app.get(routes.profile, async (context) => {
    const job = jobOf(context, options)
    const seconds = countOf(context, 'seconds', 10, profileMax)
    const { profile } = await audited(
      askedBy(context.get('role'), 'profile', { seconds }, [job]),
      async () => {
        requireRight(context, 'administer')
        if (seconds === 0) throw new RequestError(400, 'OPTION_INVALID', 'seconds is 0; give 1 to 60')
        return { profile: await profileJob(job, seconds), text: `a profile of ${seconds} s was made` }
      },
    )
    return context.json(profile)
  })
}

function actions(app: Hono<Env>, options: ApiOptions): void {
  app.post(routes.actions, async (context) => {
    const whole = wholeJobOf(context, options)
    const job = whole === undefined ? jobOf(context, options) : undefined
    if (context.req.header('content-type')?.split(';')[0] !== 'application/json') {
      return problem(context, 415, 'UNSUPPORTED', 'send the action as application/json')
    }
    const body: unknown = await context.req.json().catch(() => undefined)
    const name = actionNameOf(body)
    const jobs = job === undefined ? options.jobs.values() : [job]
    const result = await audited(askedBy(context.get('role'), name ?? 'unknown', body, jobs), async () => {
      requireRight(context, name === undefined ? 'operate' : rightOfAction[name])
      return job === undefined ? actOnWhole(whole!, body) : act(job, body)
    })
    return context.json(result)
  })
}
