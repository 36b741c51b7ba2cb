import type { Owner } from '../disk/owner.ts'
import { Crossing } from '../exchange/crossing.ts'
import { onePlace } from '../exchange/wiring.ts'
import type { Plan } from '../plan/plan.ts'
import type { JobSettings } from './job-options.ts'
import { outlineOf } from './outline.ts'
import { detailOf, layoutOf, workerOf } from './places.ts'
import { RemoteWorker } from './remote-worker.ts'
import type { PlainSettings } from './worker-briefing.ts'
import type { WorkerThread } from './worker-host.ts'
import { LocalWorker } from './local-worker.ts'
import type { Worker, WorkerEvents } from './worker.ts'

/** The workers of one attempt. */
export interface Team {
  /** That of the coordinator's thread first. */
  readonly workers: readonly Worker[]
  /** Which worker has which state. */
  readonly layout: string
  close(): Promise<void>
}

/** The dependencies of a team. */
export interface TeamOptions {
  readonly settings: JobSettings
  readonly plan: Plan
  readonly owner: Owner
  readonly eventsOf: (worker: number) => WorkerEvents
}

/** Starts the workers of an attempt. Nothing is left running if one cannot start. */
export async function startTeam(options: TeamOptions): Promise<Team> {
  const { settings, plan, owner, eventsOf } = options
  const { threads, workers: host } = settings
  const layout = layoutOf(plan, threads)
  const main = { name: 'main', settings, plan, owner, events: eventsOf(0) }
  if (threads === 1 || host === undefined) {
    const worker = new LocalWorker({ ...main, places: onePlace })
    return { workers: [worker], layout, close: () => worker.close() }
  }
  const started = await host.start(threads)
  const remote = started.map((thread, index) => remoteWorker(thread, index + 1, options))
  const detail = detailOf(settings.graph)
  const crossings = started.map(({ link }) => new Crossing(link, detail))
  const crossing = (worker: number): Crossing => crossings[worker - 1]!
  const local = new LocalWorker({
    ...main,
    places: { own: 0, crossing, workerOf: workerOf(plan, threads) },
  })
  const workers = [local, ...remote]
  const close = async (): Promise<void> => void (await Promise.all(workers.map((worker) => worker.close())))
  try {
    const outline = outlineOf(settings.graph)
    const { job, epoch } = owner
    await allOf(
      remote.map((worker, index) =>
        worker.begin({
          name: worker.name,
          number: index + 1,
          settings: plainSettings(settings),
          owner: { job, epoch },
          outline,
        }),
      ),
    )
  } catch (error) {
    await close()
    throw error
  }
  return { workers, layout, close }
}

function remoteWorker(thread: WorkerThread, number: number, options: TeamOptions): RemoteWorker {
  const { settings, owner, eventsOf } = options
  return new RemoteWorker({
    name: `worker ${number}`,
    thread,
    clock: settings.platform.clock,
    owner,
    events: eventsOf(number),
    timeoutMs: settings.workerTimeoutMs,
  })
}

function plainSettings(settings: JobSettings): PlainSettings {
  const {
    graph: _g,
    platform: _p,
    store: _s,
    observer: _o,
    owner: _own,
    workers: _w,
    restart: _r,
    tracer: _t,
    ...plain
  } = settings
  return plain
}

/** The results of all; rejects with the first error, once all have ended. */
export async function allOf<T>(promises: readonly Promise<T>[]): Promise<readonly T[]> {
  const results = await Promise.allSettled(promises)
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}
