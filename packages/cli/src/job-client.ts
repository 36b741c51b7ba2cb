import process from 'node:process'
import { describeError, MillraceError } from '@millrace/core'
import { readWhole, type Fs } from '@millrace/core/disk'
import type { PeekOptions } from '@millrace/control/client'
import {
  pathOf,
  routes,
  type Action,
  type ActionResult,
  type ApiError,
  type JobList,
  type PeekRecord,
  type RouteName,
} from '@millrace/control/contract'
import { controlFile, type ControlRecord } from './control-file.ts'

/** The query of a request; values that are undefined are left out. */
export type Query = Readonly<Record<string, string | number | undefined>>

/** A running job, reached through its control API. */
export class JobClient {
  readonly url: string
  readonly job: string
  /** Whether several workers run it together, and what is asked for is answered for all. */
  readonly isWhole: boolean

  constructor(url: string, job: string, isWhole: boolean) {
    this.url = url
    this.job = job
    this.isWhole = isWhole
  }

  /** The answer of a route. Rejects with the error of the API. */
  async get<T>(
    route: RouteName,
    parts: Readonly<Record<string, string>> = {},
    query: Query = {},
  ): Promise<T> {
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) search.set(name, String(value))
    }
    const path = pathOf(route, { job: this.job, ...parts })
    return (await answerOf(`${this.url}${path}?${search.toString()}`)) as T
  }

  /** Records that an operator emits, as they pass. Rejects with the error of the API. */
  async *peek(operator: string, options: PeekOptions): AsyncGenerator<PeekRecord> {
    const { client, StateRequestError } = await import('@millrace/control/client')
    const token = process.env['MILLRACE_CONTROL_TOKEN']
    const hasToken = token !== undefined && token !== ''
    const job = client(this.url, { job: this.job, ...(hasToken ? { token } : {}) })
    try {
      yield* job.peek(operator, options)
    } catch (error) {
      if (error instanceof StateRequestError) throw errorOf(error.status, error.message)
      throw new MillraceError('JOB_FAILED', `the connection to the job was lost: ${describeError(error)}`, {
        cause: error,
      })
    }
  }

  /** Sends an action; resolves when it is done. */
  async act(action: Action): Promise<ActionResult> {
    return (await answerOf(`${this.url}${pathOf('actions', { job: this.job })}`, action)) as ActionResult
  }
}

/**
 * The job that runs at `target`: the address of its control API, or its data directory. Throws `OPTION_INVALID` if none is
 * reached. With `isWholeFine` it may be a job that several workers run together, and is one if no name is given.
 */
export async function clientOf(
  fs: Fs,
  target: string,
  name: string | undefined,
  isWholeFine = false,
): Promise<JobClient> {
  const url = /^https?:\/\//.test(target) ? target.replace(/\/+$/, '') : await urlIn(fs, target)
  const { jobs, whole } = (await answerOf(`${url}${routes.jobs}`)) as JobList
  const names = [...(isWholeFine && whole !== null ? [whole] : []), ...jobs.map(({ job }) => job)]
  const job = name ?? names[0]
  const isChosen = name !== undefined || names.length === 1 || job === whole
  if (job !== undefined && names.includes(job) && isChosen) return new JobClient(url, job, job === whole)
  throw new MillraceError('OPTION_INVALID', `${url} has the jobs ${names.join(', ')}; choose one with --job`)
}

/** Whether a job with a control API runs on a data directory and answers. */
export async function isJobThere(fs: Fs, directory: string): Promise<boolean> {
  if ((await fs.stat(`${directory}/${controlFile}`)) === undefined) return false
  try {
    // oxlint-disable-next-line no-restricted-globals -- the command is a door to the network
    await fetch(`${await urlIn(fs, directory)}${routes.live}`)
    return true
  } catch {
    // A job that was killed has left the file.
    return false
  }
}

async function urlIn(fs: Fs, directory: string): Promise<string> {
  const path = `${directory}/${controlFile}`
  if ((await fs.stat(path)) === undefined) {
    throw new MillraceError(
      'OPTION_INVALID',
      `${directory} has no ${controlFile}: no job with a control API runs there. Start it with millrace run --control PORT, or give the address of the API`,
    )
  }
  const { url } = JSON.parse(new TextDecoder().decode(await readWhole(fs, path))) as ControlRecord
  return url
}

async function answerOf(url: string, body?: object): Promise<unknown> {
  const token = process.env['MILLRACE_CONTROL_TOKEN']
  const headers = {
    accept: 'application/json',
    ...(token === undefined || token === '' ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  }
  let response: Response
  try {
    // oxlint-disable-next-line no-restricted-globals -- the command is a door to the network
    response = await fetch(url, { headers, ...(body && { method: 'POST', body: JSON.stringify(body) }) })
  } catch (error) {
    throw new MillraceError(
      'OPTION_INVALID',
      `no job answers at ${new URL(url).origin}: ${describeError((error as Error).cause ?? error)}. It has ended or was killed, if the address is right`,
      { cause: error },
    )
  }
  if (response.ok) return response.json()
  const answer = (await response.json().catch(() => undefined)) as ApiError | undefined
  throw errorOf(response.status, answer?.error.message ?? `the API answered ${response.status}`)
}

function errorOf(status: number, message: string): MillraceError {
  const advice = status === 401 ? '. Set MILLRACE_CONTROL_TOKEN' : ''
  return new MillraceError(status >= 500 ? 'JOB_FAILED' : 'OPTION_INVALID', `${message}${advice}`)
}
