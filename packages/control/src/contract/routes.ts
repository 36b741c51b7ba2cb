/** The paths of the API. `:name` is replaced by a percent-encoded part. */
export const routes = {
  /** Answers 200 while the event loop runs. */
  live: '/livez',
  /** Answers 200 when every job is restored and reads, otherwise 503 with the reasons. */
  ready: '/readyz',
  /** All figures in the text format of Prometheus. */
  metrics: '/metrics',
  /** Takes `{ token }`, and sets a cookie for the dashboard. */
  login: '/login',
  openapi: '/api/openapi.json',
  session: '/api/session',
  jobs: '/api/jobs',
  job: '/api/jobs/:job',
  parts: '/api/jobs/:job/parts',
  graph: '/api/jobs/:job/graph',
  figures: '/api/jobs/:job/metrics',
  history: '/api/jobs/:job/history',
  operator: '/api/jobs/:job/operators/:operator',
  splits: '/api/jobs/:job/splits',
  checkpoints: '/api/jobs/:job/checkpoints',
  events: '/api/jobs/:job/events',
  logs: '/api/jobs/:job/logs',
  letters: '/api/jobs/:job/letters',
  letterGroups: '/api/jobs/:job/letters/groups',
  letter: '/api/jobs/:job/letters/:id',
  doctor: '/api/jobs/:job/doctor',
  profile: '/api/jobs/:job/profile',
  state: '/api/jobs/:job/state',
  stateScan: '/api/jobs/:job/state/:operator',
  stateOfKey: '/api/jobs/:job/state/:operator/:key',
  watch: '/api/jobs/:job/watch/:operator',
  peek: '/api/jobs/:job/peek/:operator',
  actions: '/api/jobs/:job/actions',
  /**
   * Server-sent events: `status` (a `JobOverview`) and `metrics` (a `JobFigures`) once a second, `event` (an `EventRow`) and
   * `log` (a `LogRow`) as they happen. `Last-Event-ID` resumes the events.
   */
  stream: '/api/jobs/:job/stream',
} as const

/** The name of a route. */
export type RouteName = keyof typeof routes

/**
 * The path of a route, with its parts filled in and encoded. Query parameters are added by the caller.
 *
 * @example
 * pathOf('operator', { job: 'fraud', operator: 'per card' }) // => '/api/jobs/fraud/operators/per%20card'
 */
export function pathOf(route: RouteName, parts: Readonly<Record<string, string>> = {}): string {
  return routes[route].replaceAll(/:(\w+)/g, (_, name: string) => {
    const part = parts[name]
    if (part === undefined) throw new TypeError(`route '${route}' needs '${name}'`)
    return encodeURIComponent(part)
  })
}
