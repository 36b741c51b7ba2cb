import type { Clock } from '@millrace/world'
import { describeError } from '@millrace/core'
import type { LeaseStatus, WorkerEvent, WorkerResult, WorkerStatus } from '@millrace/cluster-kafka'
import type { LogLines } from './log-lines.ts'
import { Progress } from './progress.ts'
import { roundedDuration, eventTimeText, whole } from './status-text.ts'

/** What the log of a worker reads. */
export interface WorkerLogParts {
  readonly lines: LogLines
  readonly clock: Clock
  readonly status: () => WorkerStatus | undefined
  /** How the worker is named in its group; undefined without a name. */
  readonly name?: string | undefined
}

/** What can happen to several leases at once, and is said in one line. */
const moves = {
  gained: (leases: string) => `has ${leases} now`,
  running: (leases: string, count: number) => `${leases} ${count === 1 ? 'runs' : 'run'}`,
  releasing: (leases: string) => `other workers are to have ${leases}: making a last checkpoint`,
  released: (leases: string, count: number) => `${leases} ${count === 1 ? 'is' : 'are'} free for others`,
} as const

type Move = keyof typeof moves

const endings = {
  stop: 'the job is stopped in all workers: making last checkpoints',
  drain: 'the job is drained: its input counts as ended, windows and timers fire, and all workers end',
} as const

/** What happens within this time to several leases is one line, in milliseconds. */
const togetherMs = 200

/** Logs what happens in a worker. */
export class WorkerLog implements Disposable {
  readonly #lines: LogLines
  readonly #clock: Clock
  readonly #status: () => WorkerStatus | undefined
  readonly #isNamed: boolean
  readonly #progress: Progress
  /** How many workers the group had. */
  #workers = 0
  #moved: { readonly move: Move; readonly leases: Set<number> } | undefined
  #saying: Disposable | undefined

  constructor({ lines, clock, status, name }: WorkerLogParts) {
    this.#lines = lines
    this.#clock = clock
    this.#status = status
    this.#isNamed = name !== undefined
    this.#progress = new Progress(clock.monotonic())
  }

  event(event: WorkerEvent): void {
    switch (event.kind) {
      case 'gained':
      case 'releasing':
        return this.#move(event.kind, event.lease)
      case 'lease':
        return this.#lease(event.lease, event.status)
      case 'leaseEnded':
        return this.#leaseEnded(event)
      case 'job':
        return this.#job(event)
      case 'joined': {
        const { workers } = event
        const change = this.#workers > workers ? 'fewer workers than before: ' : ''
        this.#workers = workers
        const text = workers === 1 ? 'this is the only worker' : `this is one of ${workers} workers`
        return this.#write('info', 'joined', `${change}${text}`, { workers })
      }
      case 'ending': {
        const text = endings[event.how]
        return this.#write('info', 'ending', text, { how: event.how })
      }
      case 'removed': {
        const { reason } = event
        const text =
          'the group has removed this worker: it was paused, cut off or too busy for as long as a session lasts. Others may run its leases by now, so it ends them without another checkpoint, and joins again'
        this.#workers = 0
        return this.#write('warning', 'removed', text, { reason })
      }
      case 'outage':
        return this.#write('warning', 'outage', `Kafka cannot be reached: ${event.reason}`)
      case 'recovered':
        return this.#write('info', 'recovered', 'Kafka can be reached again')
      case 'warning':
        return this.#write('warning', 'warning', event.message)
    }
  }

  /** Logs how the worker has ended. */
  ended({ outcome }: WorkerResult): void {
    if (outcome === 'failed') return
    const others = (this.#status()?.workers ?? 0) > 1
    // The group keeps the place of a worker with a name.
    const unless = this.#isNamed ? ', unless it is back within its session' : ''
    const stopped = others
      ? `stopped: other workers continue with what this one held${unless}`
      : 'stopped: this was the only worker; the next one continues from its last checkpoints'
    const text = outcome === 'finished' ? 'finished: the input of the job has ended' : stopped
    this.#write('info', 'ended', text, { outcome })
  }

  /** Logs figures of all leases of the worker, while it is a member of the group. */
  progress(): void {
    const { phase, leases, workers } = this.#status() ?? { phase: 'joining', leases: [], workers: 0 }
    if (phase !== 'running' || workers === 0) return
    const jobs = leases.flatMap(({ status }) => (status.phase === 'running' ? [status.job.status()] : []))
    // What moves inside the job is neither its input nor its output.
    const tasks = jobs
      .flatMap((job) => job.tasks)
      .filter(({ task }) => !/ \(shuffle (?:in|out)\)$/.test(task))
    const { inRate, outRate, watermark } = this.#progress.update({ tasks }, this.#clock.monotonic())
    const state = jobs.reduce((sum, job) => sum + (job.state?.liveBytes ?? 0), 0)
    const parts = [
      `${jobs.length} of ${leases.length} ${leases.length === 1 ? 'lease' : 'leases'} running`,
      `${whole(inRate)} in/s`,
      `${whole(outRate)} out/s`,
      ...(watermark === undefined ? [] : [eventTimeText(watermark, this.#clock.now())]),
      `${workers} ${workers === 1 ? 'worker' : 'workers'}`,
    ]
    this.#write('info', 'progress', parts.join('  '), {
      leases: leases.map(({ lease }) => lease),
      workers,
      recordsInPerSecond: Math.round(inRate),
      recordsOutPerSecond: Math.round(outRate),
      watermark: watermark ?? null,
      stateBytes: state,
    })
  }

  [Symbol.dispose](): void {
    this.#say()
  }

  #lease(lease: number, status: LeaseStatus): void {
    if (status.phase === 'running') this.#move('running', lease)
    if (status.phase !== 'waiting') return
    const text = `lease ${lease} is opened again in ${roundedDuration(status.reopensInMs)}: ${describeError(status.error)}`
    this.#write('warning', 'reopening', text, { lease })
  }

  #leaseEnded({ lease, end }: Extract<WorkerEvent, { kind: 'leaseEnded' }>): void {
    if (end.outcome === 'released') return this.#move('released', lease)
    if (end.outcome === 'finished')
      this.#write('info', 'leaseEnded', `lease ${lease}: its input has ended`, {
        lease,
        outcome: end.outcome,
      })
    // The worker ends with the error of a lease that has failed.
  }

  #job({ lease, event }: Extract<WorkerEvent, { kind: 'job' }>): void {
    const write = (level: 'info' | 'warning', text: string, fields: object = {}): void =>
      this.#write(level, event.kind, `lease ${lease}: ${text}`, { lease, ...fields })
    if (event.kind === 'warning') return write('warning', event.message)
    if (event.kind === 'failed' && event.restartInMs !== undefined) {
      const error = describeError(event.error)
      return write('warning', `failed, and restarts in ${roundedDuration(event.restartInMs)}: ${error}`)
    }
    if (event.kind === 'outage') {
      const { part, reason } = event
      return write('warning', `'${part}' waits for a system that cannot be reached: ${reason}`, { part })
    }
    if (event.kind === 'recovered') return write('info', `'${event.part}' works again`, { part: event.part })
  }

  #move(move: Move, lease: number): void {
    if (this.#moved?.move !== move) this.#say()
    this.#moved ??= { move, leases: new Set() }
    this.#moved.leases.add(lease)
    this.#saying ??= this.#clock.schedule(togetherMs, () => this.#say())
  }

  /** Says what has happened to several leases. */
  #say(): void {
    this.#saying?.[Symbol.dispose]()
    this.#saying = undefined
    const moved = this.#moved
    this.#moved = undefined
    if (moved === undefined) return
    const leases = [...moved.leases].toSorted((a, b) => a - b)
    this.#lines.write('info', moved.move, moves[moved.move](leasesText(leases), leases.length), { leases })
  }

  #write(...line: Parameters<LogLines['write']>): void {
    this.#say()
    this.#lines.write(...line)
  }
}

/** Numbers of leases, sorted, for people: `leases 0 to 3, 7`. */
export function leasesText(leases: readonly number[]): string {
  const runs: [first: number, last: number][] = []
  for (const lease of leases) {
    const run = runs.at(-1)
    if (run !== undefined && run[1] === lease - 1) run[1] = lease
    else runs.push([lease, lease])
  }
  const texts = runs.map(([first, last]) =>
    first === last ? `${first}` : last === first + 1 ? `${first}, ${last}` : `${first} to ${last}`,
  )
  return `${leases.length === 1 ? 'lease' : 'leases'} ${texts.join(', ')}`
}
