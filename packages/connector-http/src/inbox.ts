import type { AcceptedRequest, RememberedRequest } from './inbox-block.ts'
import { InboxLog } from './inbox-log.ts'
import type { InboxLogOptions } from './inbox-opening.ts'
import { requirePosition, type InboxPosition } from './inbox-segments.ts'
import { RememberedRequests } from './remembered-requests.ts'

/** Where an inbox lies and how it is divided. */
export interface InboxOptions extends InboxLogOptions {
  /** From which size on a segment is followed by a new one, in bytes. */
  readonly segmentBytes: number
  /** How many requests with a key are remembered. */
  readonly rememberedMax: number
}

/** One group commit takes about this much. */
const groupBytesMax = 4 * 1024 * 1024

interface PendingRequest {
  readonly request: AcceptedRequest
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (reason: Error) => void
}

/**
 * What was accepted over HTTP and is not yet safe in a checkpoint: a durable queue.
 *
 * Requests that arrive while a sync is under way are written and synced together by the next one, so a slow
 * disk costs latency and not throughput.
 */
export class Inbox {
  readonly log: InboxLog
  /** The requests with a key that were accepted last. */
  readonly remembered: RememberedRequests
  /** Set by the reader: called when there is more to read, or never will be. */
  onChange: () => void = () => undefined
  readonly #segmentBytes: number
  readonly #pending: PendingRequest[] = []
  #pendingBytes = 0
  #acknowledged: InboxPosition
  #writing: Promise<void> | undefined

  private constructor(options: InboxOptions, log: InboxLog, remembered: readonly RememberedRequest[]) {
    this.log = log
    this.remembered = new RememberedRequests(options.rememberedMax, remembered)
    this.#segmentBytes = options.segmentBytes
    this.#acknowledged = options.from ?? log.start
  }

  /** Throws `CHECKPOINT_CORRUPT` when something that was accepted cannot be read. */
  static async open(options: InboxOptions): Promise<Inbox> {
    if (options.from !== undefined) requirePosition(options.from, options.directory)
    const { log, remembered } = await InboxLog.open(options)
    return new Inbox(options, log, remembered)
  }

  /** How many bytes are held that no checkpoint makes superfluous, those still to be written included. */
  get heldBytes(): number {
    return this.log.bytesAfter(this.#acknowledged) + this.#pendingBytes
  }

  /** Why nothing will be accepted any more, if so. */
  get failure(): Error | undefined {
    return this.log.failure
  }

  /**
   * Resolves once the request is durable. All or nothing: when it rejects, none of its records counts as
   * accepted, though they may be read if the disk had them after all.
   *
   * Rejects with `FS_FULL` while the disk is full; what comes when there is room again is accepted.
   */
  append(request: AcceptedRequest): Promise<void> {
    const bytes = request.records.reduce((sum, record) => sum + record.length, 0)
    return new Promise((resolve, reject) => {
      this.#pending.push({ request, bytes, resolve, reject })
      this.#pendingBytes += bytes
      this.#writing ??= this.#writeAll()
    })
  }

  /** Lets go of what lies before a position that is in a durable checkpoint. */
  async acknowledge(position: InboxPosition): Promise<void> {
    this.#acknowledged = position
    await this.log.removeBefore(position)
  }

  /** Returns when everything pending is written or refused and the files are closed. */
  async close(): Promise<void> {
    await this.#writing
    await this.log.close()
  }

  async #writeAll(): Promise<void> {
    for (let group = this.#nextGroup(); group.length > 0; group = this.#nextGroup()) await this.#write(group)
    this.#writing = undefined
  }

  #nextGroup(): PendingRequest[] {
    let count = 0
    for (let bytes = 0; count < this.#pending.length && bytes < groupBytesMax; count++) {
      bytes += this.#pending[count]!.bytes
    }
    return this.#pending.splice(0, count)
  }

  async #write(group: readonly PendingRequest[]): Promise<void> {
    try {
      if (this.log.end.offset >= this.#segmentBytes) await this.log.roll(this.remembered.list())
      await this.log.append(group.map(({ request }) => request))
      for (const { request } of group) this.remembered.add(request)
      for (const { resolve } of group) resolve()
    } catch (error) {
      for (const { reject } of group) reject(error as Error)
    }
    for (const { bytes } of group) this.#pendingBytes -= bytes
    this.onChange()
  }
}
