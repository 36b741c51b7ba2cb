import { MillraceError, reveal, type Secret } from '@millrace/core'
import { startJob, type Job, type JobOptions } from '@millrace/core/job'
import { graphView } from '../job/graph-view.ts'
import { Runtime } from '../job/runtime.ts'
import type { Role } from '../contract/rights.ts'
import { WatchedJob, type WatchOptions } from '../job/watched-job.ts'
import type { DividedJob } from '../parts/divided-job.ts'
import { controlApi } from './api.ts'
import type { DividedSurface } from './api-options.ts'
import { askWorker } from './ask-worker.ts'
import type { GuardOptions } from './guard.ts'
import { listen, type Listening } from './node-server.ts'
import { openApiText, staticFiles } from './static-files.ts'

/** Where the control API listens, and who may use it. */
export interface ControlOptions {
  /** Default 127.0.0.1. Any other address than loopback needs a token. */
  readonly host?: string | undefined
  /** 0: any free one. */
  readonly port: number
  /** What admins send as `Authorization: Bearer TOKEN`. At least 16 characters. Default: none is asked for. */
  readonly token?: string | Secret | undefined
  /** The token of operators, who may not stop, drain, profile or drop dead letters. Needs `token`, and differs from it. */
  readonly operatorToken?: string | Secret | undefined
  /** The token of viewers, who may read and not act. Needs `token`, and differs from it. */
  readonly viewerToken?: string | Secret | undefined
  /** The least role that may see live records. Default 'operator'. */
  readonly peekFrom?: Role | undefined
  /**
   * Names of fields and headers, in any case of letters, whose values live records do not show. Then keys, and values that no name says anything
   * about, are hidden as well. Default: none.
   */
  readonly redact?: readonly string[] | undefined
  /** More host names by which browsers may address the server. */
  readonly hosts?: readonly string[] | undefined
  /** The version of Millrace that the API reports. */
  readonly version: string
  /** The directory of the dashboard's files. Default: no dashboard is served. */
  readonly dashboard?: string | undefined
  /**
   * What the process waits for besides its jobs, as sentences: it is ready when that is nothing and each of its jobs is, also without
   * jobs. Default: it is ready when it has jobs and they are.
   */
  readonly waits?: (() => readonly string[]) | undefined
}

/** How the API shows a job. */
export type ShowOptions = Pick<WatchOptions, 'name' | 'isPart' | 'setLogLevel'>

/** A job to start, and how the API shows it. */
export interface StartOptions extends Pick<WatchOptions, 'setLogLevel'> {
  readonly job: JobOptions
}

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/
const tokenLeast = 16

/** The control API of a process: jobs are started through it, and it serves them over HTTP. */
export class Control {
  readonly url: string
  readonly #listening: Listening
  readonly #jobs: Map<string, WatchedJob>
  readonly #runtime: Runtime
  #divided: DividedSurface | undefined

  constructor(listening: Listening, jobs: Map<string, WatchedJob>, runtime: Runtime) {
    this.#listening = listening
    this.#jobs = jobs
    this.#runtime = runtime
    const host = listening.host.includes(':') ? `[${listening.host}]` : listening.host
    this.url = `http://${host}:${listening.port}`
  }

  /** Starts a job that the API shows. Throws what `startJob` throws, and for a second job of the same name. */
  start({ job, ...options }: StartOptions): WatchedJob {
    this.#requireFree(job.graph.name)
    return this.show(startJob(job), options)
  }

  /**
   * Shows a job that was just started, until the result is disposed. Throws `OPTION_INVALID` for a second job of the same name.
   *
   * @example
   * using watched = control.show(job, { name: 'orders/3', isPart: true })
   */
  show(job: Job, options: ShowOptions = {}): WatchedJob {
    const { name = job.options.graph.name } = options
    this.#requireFree(name)
    const watched: WatchedJob = new WatchedJob({
      ...options,
      job,
      runtime: () => this.#runtime.read(),
      over: () => this.#jobs.delete(name),
    })
    this.#jobs.set(name, watched)
    return watched
  }

  /** Answers for the state of a job of which this process runs some parts, whichever worker has it. `show` adds the parts. */
  divide(divided: DividedJob): void {
    this.#divided = { divided, graph: graphView(divided.graph, 1) }
  }

  /** The job of which this process runs some parts. */
  get divided(): DividedSurface | undefined {
    return this.#divided
  }

  #requireFree(name: string): void {
    if (!this.#jobs.has(name)) return
    throw new MillraceError(
      'OPTION_INVALID',
      `the control API has a job '${name}' already; give pipelines different names`,
    )
  }

  /** Ends serving and measuring; jobs are not stopped. */
  async close(): Promise<void> {
    for (const job of this.#jobs.values()) job[Symbol.dispose]()
    this.#runtime[Symbol.dispose]()
    await this.#listening.close()
  }
}

/**
 * Starts the control API. Throws `OPTION_INVALID` for an address other than loopback without a token, for a token that
 * is too short, and for an address that is not free.
 *
 * @example
 * const control = await startControl({ port: 9090, version: '1.0.0' })
 * const { job } = control.start({ job: options })
 * await job.ended
 * await control.close()
 */
export async function startControl(options: ControlOptions): Promise<Control> {
  const { host = '127.0.0.1', port, hosts = [], version, dashboard, waits } = options
  const { peekFrom = 'operator', redact = [] } = options
  const tokens = tokensOf(options)
  requireTokens(host, tokens)
  const jobs = new Map<string, WatchedJob>()
  const files = dashboard === undefined ? undefined : await staticFiles(dashboard)
  const made: { control?: Control } = {}
  const app = controlApi({
    ...tokens,
    peekFrom,
    redact,
    hosts: [...hosts, host],
    version,
    openApi: await openApiText(),
    jobs,
    files,
    waits,
    divided: () => made.control?.divided,
    ask: askWorker,
  })
  const listening = await listen((request) => app.fetch(request), host, port)
  const control = new Control(listening, jobs, new Runtime())
  made.control = control
  return control
}

type Tokens = Pick<GuardOptions, 'token' | 'operatorToken' | 'viewerToken'>

function tokensOf({ token, operatorToken, viewerToken }: ControlOptions): Tokens {
  const revealed = (given: string | Secret | undefined): string | undefined => given && reveal(given)
  return {
    token: revealed(token),
    operatorToken: revealed(operatorToken),
    viewerToken: revealed(viewerToken),
  }
}

function requireTokens(host: string, { token, operatorToken, viewerToken }: Tokens): void {
  const invalid = (text: string): MillraceError => new MillraceError('OPTION_INVALID', text)
  const given = [token, operatorToken, viewerToken].filter((each) => each !== undefined)
  if (token === undefined && !loopback.test(host)) {
    throw invalid(
      `the control API would listen on ${host}, where other machines reach it: set a token (MILLRACE_CONTROL_TOKEN), or listen on 127.0.0.1`,
    )
  }
  if (token === undefined && given.length > 0) {
    throw invalid('a token of operators or viewers needs a token of admins, too (MILLRACE_CONTROL_TOKEN)')
  }
  if (given.some(({ length }) => length < tokenLeast)) {
    throw invalid(`a token of the control API has at least ${tokenLeast} characters`)
  }
  if (new Set(given).size < given.length) {
    throw invalid('two roles of the control API have the same token; give each its own')
  }
}
