import { describeError, MillraceError } from '@millrace/core'
import type { Platform } from '@millrace/core/disk'
import type { StateStore } from '@millrace/core/store'
import type { ClusterWorker, WorkerEvent, WorkerStatus } from '@millrace/cluster-kafka'
import type { Control, WatchedJob } from '@millrace/control'
import type { CommandLine, Option } from './command.ts'
import type { LineFields, LogLevel, LogLines } from './log-lines.ts'
import { logActions, openControl, recordControl } from './run-control.ts'
import { roundedDuration } from './status-text.ts'

/** What the control API of a worker is about. */
export interface WorkerControlParts {
  readonly platform: Platform
  /** What the state of the job is kept in. */
  readonly store: StateStore
  /** The data directory of the worker. */
  readonly directory: string
  readonly lines: LogLines
  /** What the worker does; undefined before it was started. */
  readonly status: () => WorkerStatus | undefined
}

/** The control API of a worker: each lease is a job there, as `orders/3`, while it runs here. */
export class WorkerControl implements AsyncDisposable {
  /** Where other workers reach it; undefined if they do not. */
  readonly address: string | undefined
  readonly #control: Control
  readonly #record: AsyncDisposable
  readonly #parts: WorkerControlParts
  readonly #shown = new Map<number, WatchedJob>()

  private constructor({ control, record, parts, address }: OpenControl) {
    this.address = address
    this.#control = control
    this.#record = record
    this.#parts = parts
    parts.lines.listener = (...line) => this.#keep(...line)
  }

  /** Starts the API if the command line asks for it. */
  static async open(line: CommandLine, parts: WorkerControlParts): Promise<WorkerControl | undefined> {
    const control = await openControl(line, parts.lines, () => waitsOf(parts.status()))
    return control && WorkerControl.over(control, parts, addressIn(line))
  }

  /** Shows a worker in an API, which it closes. */
  static async over(
    control: Control,
    parts: WorkerControlParts,
    address: string | undefined = addressOf(control),
  ): Promise<WorkerControl> {
    const { platform, directory, lines } = parts
    try {
      const record = await recordControl(platform.fs, directory, control)
      lines.write('info', 'control', `the control API is at ${control.url}`, { url: control.url })
      if (address === undefined) {
        const text = `other workers cannot ask this one for state, because ${control.url} names no machine; say where it is reached with --control-address`
        lines.write('warning', 'warning', text)
      }
      return new WorkerControl({ control, record, parts, address })
    } catch (error) {
      await control.close()
      throw error
    }
  }

  /** Answers for the state of the whole job, whichever worker has it. */
  serve(worker: ClusterWorker): void {
    const { platform, store } = this.#parts
    const places = (): WorkerStatus['places'] => worker.status().places
    this.#control.divide({
      name: worker.graph.name,
      parts: worker.leases,
      graph: worker.graph,
      clock: platform.clock,
      workers: () => worker.status().workers,
      partOf: (operator, key) => worker.leaseOfKey(operator, key),
      ownerOf: (part) => {
        const place = places().find(({ leases }) => leases.includes(part))
        return place && { address: place.address }
      },
      copiesOf: (part) =>
        places().flatMap(({ standbys, address }) =>
          standbys.includes(part) && address !== undefined ? [address] : [],
        ),
      end: (how) => void worker.end(how),
      copyHere: (part) => {
        const copy = worker.copyOf(part)
        return copy && { fs: platform.fs, directory: copy.directory, storeOf: () => store }
      },
    })
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
      setLogLevel: (level) => this.#parts.lines.setLevel(level),
    })
    logActions(watched, this.#parts.lines, { lease })
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

interface OpenControl {
  readonly control: Control
  readonly record: AsyncDisposable
  readonly parts: WorkerControlParts
  readonly address: string | undefined
}

/** The option that says where other workers reach the control API. */
export const controlAddressOption: Option = {
  name: 'control-address',
  value: 'URL',
  help: 'with --cluster: where other workers reach --control (default: its own)',
}

/** The address that the command line gives. Throws `OPTION_INVALID` for text that is no address. */
function addressIn(line: CommandLine): string | undefined {
  const given = line.value(controlAddressOption.name)
  if (given === undefined) return undefined
  if (/^https?:\/\/[^/\s]+$/.test(given) && URL.canParse(given)) return given
  throw new MillraceError(
    'OPTION_INVALID',
    `--${controlAddressOption.name} is ${given}. Give http://HOST:PORT, by which the other workers reach this one`,
  )
}

/** Where the API is reached, as far as what it listens on says that: all addresses of a machine have no name. */
function addressOf({ url }: Control): string | undefined {
  const { hostname } = new URL(url)
  return hostname === '0.0.0.0' || hostname === '[::]' ? undefined : url
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
      const left = remainingMs === undefined ? '' : `, for about ${roundedDuration(remainingMs)} more`
      return [`Lease ${lease} is being restored${left}.`]
    }
    if (of.phase !== 'waiting') return []
    return [
      `Lease ${lease} is opened again in ${roundedDuration(of.reopensInMs)}: ${describeError(of.error)}.`,
    ]
  })
}
