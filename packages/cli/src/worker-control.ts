import { describeError } from '@millrace/core'
import type { Platform } from '@millrace/core/disk'
import type { WorkerEvent, WorkerStatus } from '@millrace/cluster-kafka'
import type { Control, WatchedJob } from '@millrace/control'
import type { CommandLine } from './command.ts'
import type { LineFields, LogLevel, LogLines } from './log-lines.ts'
import { openControl, recordControl } from './run-control.ts'
import { durationText } from './status-text.ts'

/** What the control API of a worker is about. */
export interface WorkerControlParts {
  readonly platform: Platform
  /** The data directory of the worker. */
  readonly directory: string
  readonly lines: LogLines
  /** What the worker does; undefined before it was started. */
  readonly status: () => WorkerStatus | undefined
}

/** The control API of a worker: each lease is a job there, as `orders/3`, while it runs here. */
export class WorkerControl implements AsyncDisposable {
  readonly #control: Control
  readonly #record: AsyncDisposable
  readonly #lines: LogLines
  readonly #shown = new Map<number, WatchedJob>()

  private constructor(control: Control, record: AsyncDisposable, lines: LogLines) {
    this.#control = control
    this.#record = record
    this.#lines = lines
    lines.listener = (...line) => this.#keep(...line)
  }

  /** Starts the API if the command line asks for it. */
  static async open(line: CommandLine, parts: WorkerControlParts): Promise<WorkerControl | undefined> {
    const control = await openControl(line, () => waitsOf(parts.status()))
    return control && WorkerControl.over(control, parts)
  }

  /** Shows a worker in an API, which it closes. */
  static async over(
    control: Control,
    { platform, directory, lines }: WorkerControlParts,
  ): Promise<WorkerControl> {
    try {
      const record = await recordControl(platform.fs, directory, control)
      lines.write('info', 'control', `the control API is at ${control.url}`, { url: control.url })
      return new WorkerControl(control, record, lines)
    } catch (error) {
      await control.close()
      throw error
    }
  }

  /** Shows the job of a lease as long as it runs. */
  event(event: WorkerEvent): void {
    if (event.kind !== 'lease') return
    const { lease, status } = event
    this.#shown.get(lease)?.[Symbol.dispose]()
    this.#shown.delete(lease)
    if (status.phase !== 'running') return
    const { job } = status
    const watched = this.#control.show(job, {
      name: `${job.options.graph.name}/${lease}`,
      isPart: true,
      setLogLevel: (level) => this.#lines.setLevel(level),
    })
    this.#shown.set(lease, watched)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#record[Symbol.asyncDispose]()
    await this.#control.close()
  }

  /** Keeps a line of the log for the lease that it is about, or for all. */
  #keep(level: LogLevel, text: string, { lease, leases }: LineFields): void {
    const about = lease === undefined ? leases : [lease]
    for (const [each, { happenings }] of this.#shown) {
      if (!Array.isArray(about) || about.includes(each)) happenings.line(level, text)
    }
  }
}

/** What a worker waits for before it is ready, besides the jobs of its leases. */
export function waitsOf(status: WorkerStatus | undefined): readonly string[] {
  const phase = status?.phase ?? 'joining'
  if (phase === 'joining') return ['The worker joins its group.']
  if (phase !== 'running') return [`The worker ${phase === 'stopping' ? 'is stopping' : 'has ended'}.`]
  const { workers, leases } = status!
  if (workers === 0) return ['The group has removed the worker, which joins again.']
  return leases.flatMap(({ lease, status: of }) => {
    if (of.phase === 'restoring') {
      const { remainingMs } = of.progress ?? {}
      const left = remainingMs === undefined ? '' : `, for about ${durationText(remainingMs)} more`
      return [`Lease ${lease} is being restored${left}.`]
    }
    if (of.phase !== 'waiting') return []
    return [`Lease ${lease} is opened again in ${durationText(of.reopensInMs)}: ${describeError(of.error)}.`]
  })
}
