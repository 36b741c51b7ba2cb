import type { Context } from 'hono'
import type { EventRow, LogRow } from '../contract/happenings.ts'
import type { WatchedJob } from '../job/watched-job.ts'

/** Events that are sent again after a reconnect, at most. */
const replayed = 500
/** A stream of a reader that does not read is cut when so many messages wait. */
const waitingMax = 1_000

const encoder = new TextEncoder()

/**
 * An answer that stays open as long as a job is watched. `begin` starts it, and returns what ends it when the reader has gone or it is
 * over.
 */
export function streamOf(begin: (feed: Feed) => Disposable, watched: Pick<WatchedJob, 'onGone'>): Response {
  const parts: Disposable[] = []
  const end = (): void => {
    for (const part of parts.splice(0)) part[Symbol.dispose]()
  }
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        const feed = new Feed(controller, end)
        parts.push(
          watched.onGone(() => feed.close()),
          begin(feed),
        )
      },
      cancel: end,
    },
    { highWaterMark: waitingMax },
  )
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' },
  })
}

/** The stream of a job: its state and figures after each measurement, its events and log lines as they come. */
export function eventStream(context: Context, watched: WatchedJob): Response {
  const lastEvent = Number(context.req.header('last-event-id') ?? context.req.query('after') ?? Number.NaN)
  const { happenings } = watched
  return streamOf((feed) => {
    if (Number.isSafeInteger(lastEvent)) {
      for (const row of happenings.events.after(lastEvent, replayed).entries) feed.row('event', row)
    }
    const listener = (kind: 'event' | 'log', row: EventRow | LogRow): void => feed.row(kind, row)
    const figures = (): void => {
      // What was not read yet is as old as what would follow.
      if (feed.isBehind) return
      feed.send('status', watched.overview())
      feed.send('metrics', watched.figures())
    }
    happenings.listeners.add(listener)
    const measured = watched.onMeasured(figures)
    figures()
    return {
      [Symbol.dispose]: () => {
        happenings.listeners.delete(listener)
        measured[Symbol.dispose]()
      },
    }
  }, watched)
}

/** Writes messages to one reader. */
export class Feed {
  readonly #controller: ReadableStreamDefaultController<Uint8Array>
  readonly #end: () => void
  #isOver = false

  constructor(controller: ReadableStreamDefaultController<Uint8Array>, end: () => void) {
    this.#controller = controller
    this.#end = end
  }

  get isBehind(): boolean {
    return this.#isOver || (this.#controller.desiredSize ?? 0) < waitingMax - 4
  }

  /** Ends the answer: the reader has to ask again. */
  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#end()
    this.#controller.close()
  }

  row(kind: 'event' | 'log', row: EventRow | LogRow): void {
    this.send(kind, row, kind === 'event' ? row.id : undefined)
  }

  send(event: string, data: unknown, id?: number | string): void {
    if (this.#isOver) return
    if ((this.#controller.desiredSize ?? 0) <= 0) {
      this.close()
      return
    }
    const head = id === undefined ? '' : `id: ${id}\n`
    this.#controller.enqueue(encoder.encode(`${head}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`))
  }
}
