import { signal } from '@preact/signals'
import type { EventRow, JobFigures, JobOverview, LogRow } from '@millrace/control/contract'
import { addressOf } from './api.ts'

/** `live`: figures arrive. `stale`: none for some seconds. `lost`: the stream is broken and is opened again. */
export type Link = 'connecting' | 'live' | 'stale' | 'lost'

/** What the stream of a job is handed to. */
export interface Listener {
  readonly onStatus: (overview: JobOverview) => void
  readonly onFigures: (figures: JobFigures) => void
  readonly onEvent: (event: EventRow) => void
  readonly onLog: (line: LogRow) => void
  /** Called each time the stream opens, also the first time. */
  readonly onOpen: () => void
  /** Called when the server refuses the stream or is gone, before the next try. */
  readonly onLost: () => void
}

export const link = signal<Link>('connecting')
/** When the next try to connect is made, in milliseconds since the epoch; null while there is a stream. */
export const nextTryAt = signal<number | null>(null)

const staleAfterMs = 4_000
const longestWaitMs = 10_000

/** Keeps a stream of a job open until it is closed: opens it again, after growing pauses, when it breaks. */
export class Connection {
  readonly #job: string
  readonly #listener: Listener
  #source: EventSource | undefined
  #retry: ReturnType<typeof setTimeout> | undefined
  #watch: ReturnType<typeof setInterval> | undefined
  #tries = 0
  #heardAt = 0

  constructor(job: string, listener: Listener) {
    this.#job = job
    this.#listener = listener
    this.#watch = setInterval(() => this.#checkSilence(), 1_000)
    this.#open()
  }

  close(): void {
    clearInterval(this.#watch)
    clearTimeout(this.#retry)
    this.#source?.close()
  }

  /** Tries now instead of after the pause. */
  tryNow(): void {
    clearTimeout(this.#retry)
    this.#source?.close()
    this.#open()
  }

  #open(): void {
    nextTryAt.value = null
    const source = new EventSource(addressOf('stream', { job: this.#job }))
    this.#source = source
    source.addEventListener('open', () => {
      this.#tries = 0
      this.#heard()
      this.#listener.onOpen()
    })
    this.#on<JobOverview>(source, 'status', this.#listener.onStatus)
    this.#on<JobFigures>(source, 'metrics', this.#listener.onFigures)
    this.#on<EventRow>(source, 'event', this.#listener.onEvent)
    this.#on<LogRow>(source, 'log', this.#listener.onLog)
    source.addEventListener('error', () => this.#lose(source))
  }

  #on<Data>(source: EventSource, name: string, handle: (data: Data) => void): void {
    source.addEventListener(name, (event) => {
      this.#heard()
      handle(JSON.parse((event as MessageEvent<string>).data) as Data)
    })
  }

  #heard(): void {
    this.#heardAt = Date.now()
    if (link.value !== 'live') link.value = 'live'
  }

  #checkSilence(): void {
    if (link.value === 'live' && Date.now() - this.#heardAt > staleAfterMs) link.value = 'stale'
  }

  #lose(source: EventSource): void {
    if (source !== this.#source) return
    source.close()
    link.value = 'lost'
    const wait = Math.min(longestWaitMs, 500 * 2 ** this.#tries++)
    nextTryAt.value = Date.now() + wait
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => this.#open(), wait)
    this.#listener.onLost()
  }
}
