import type { Context } from 'hono'
import type { JobGraph } from '../contract/graph.ts'
import type { WatchedJob } from '../job/watched-job.ts'
import { partName, type DividedJob } from '../parts/divided-job.ts'
import { notHere } from '../parts/moving.ts'
import type { AskWorker } from '../parts/remote-state.ts'
import type { GuardedVariables, GuardOptions } from './guard.ts'
import { RequestError } from './problems.ts'

/** What the API serves. */
export interface ApiOptions extends GuardOptions {
  readonly version: string
  /** The OpenAPI document, as text. */
  readonly openApi: string
  /** The jobs of the process; more may be added while it serves. */
  readonly jobs: ReadonlyMap<string, WatchedJob>
  /** Answers a path that is no route, with files of the dashboard; undefined if there is none. */
  readonly files: ((path: string) => Promise<Response | undefined>) | undefined
  /** Names of fields whose values live records do not show. */
  readonly redact: readonly string[]
  /** What the process waits for besides its jobs; undefined if it waits for a job. */
  readonly waits: (() => readonly string[]) | undefined
  /** The job that this process runs some parts of; undefined if it runs whole ones. */
  readonly divided: () => DividedSurface | undefined
  /** Sends a request to another worker of that job. */
  readonly ask: AskWorker
}

/** A job in parts, and what its pipeline looks like. */
export interface DividedSurface {
  readonly divided: DividedJob
  readonly graph: JobGraph
}

export type Env = { Variables: GuardedVariables }

/** The most entries of one page. */
export const pageMax = 10_000
/** The job of a request, if several workers run it together. */
export function wholeJobOf(context: Context<Env>, { divided }: ApiOptions): DividedJob | undefined {
  const surface = divided()
  return surface?.divided.name === context.req.param('job') ? surface?.divided : undefined
}

/** The job of a request. Throws where it is not here. */
export function jobOf(context: Context<Env>, { jobs, divided }: ApiOptions): WatchedJob {
  const name = context.req.param('job')!
  const job = jobs.get(name)
  if (job !== undefined) return job
  const surface = divided()
  if (surface !== undefined) throw noPart(name, surface.divided)
  // The address is served before the job is there.
  if (jobs.size === 0) throw new RequestError(409, 'JOB_FAILED', 'the process is starting; try again later')
  throw new RequestError(
    404,
    'NOT_FOUND',
    `no job '${name}' runs here; there are ${[...jobs.keys()].join(', ')}`,
  )
}

function noPart(name: string, divided: DividedJob): RequestError {
  const isWhole = name === divided.name
  return new RequestError(
    404,
    notHere,
    isWhole
      ? `'${name}' is run by several workers, each some of its parts: ask for a part, as ${partName(divided, 0)}. For the whole job there are its state and /api/jobs/${name}/parts`
      : `'${name}' does not run at this worker; /api/jobs/${divided.name}/parts says where its parts are`,
  )
}
