import { AppendLog, type AppendLogOptions } from '@millrace/segment-log'
import { bytesIn, readRemembered, writeRemembered, writeRequests } from './inbox-entry.ts'
import type { AcceptedRequest, RememberedRequest } from './inbox-entry.ts'
import { requirePosition, type InboxPosition } from './inbox-position.ts'
import { RememberedRequests } from './remembered-requests.ts'

/** Where an inbox is stored and how it is divided into segments. */
export interface InboxOptions extends Omit<AppendLogOptions, 'name' | 'from'> {
  /** Where reading continues; undefined for the oldest record. */
  readonly from: InboxPosition | undefined
  /** The size in bytes from which a segment is complete and a new one begins. */
  readonly segmentBytes: number
  /** How many requests with a key are remembered. */
  readonly rememberedMax: number
}

/** The approximate maximum size of one group commit. */
const groupBytesMax = 4 * 1024 * 1024

interface PendingRequest {
  readonly request: AcceptedRequest
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (reason: Error) => void
}

/**
 * A durable queue of records that were accepted over HTTP and are not yet covered by a checkpoint.
 *
 * Requests that arrive during a sync are written and synced together by the next one, so a slow disk costs
 * latency but not throughput.
 */
export class Inbox {
  readonly log: AppendLog
  /** The latest accepted requests with a key. */
  readonly remembered: RememberedRequests
  /** Set by the reader: called when more can be read, or when nothing more will come. */
  onChange: () => void = () => undefined
  readonly #segmentBytes: number
  readonly #pending: PendingRequest[] = []
  #pendingBytes = 0
  #acknowledged: InboxPosition
  #writing: Promise<void> | undefined

  private constructor(options: InboxOptions, log: AppendLog, remembered: readonly RememberedRequest[]) {
    this.log = log
    this.remembered = new RememberedRequests(options.rememberedMax, remembered)
    this.#segmentBytes = options.segmentBytes
    this.#acknowledged = options.from ?? { ...log.start, record: 0 }
  }

  /** Opens the inbox. Throws `CHECKPOINT_CORRUPT` if an accepted request cannot be read. */
  static async open(options: InboxOptions): Promise<Inbox> {
    if (options.from !== undefined) requirePosition(options.from, options.directory)
    const { log, opening, entries } = await AppendLog.open({ ...options, name: 'inbox' })
    return new Inbox(options, log, readRemembered(opening, entries))
  }

  /** Number of bytes that no checkpoint covers, including those still to be written. */
  get heldBytes(): number {
    return this.log.bytesAfter(this.#acknowledged) + this.#pendingBytes
  }

  /** Why every later request is rejected; undefined while requests are accepted. */
  get failure(): Error | undefined {
    return this.log.failure
  }

  /**
   * Resolves once the request is durable. All or nothing: when it rejects, none of its records counts as
   * accepted, although they may still be read if they reached the disk.
   *
   * Rejects with `FS_FULL` while the disk is full; later requests succeed when there is room again.
   */
  append(request: AcceptedRequest): Promise<void> {
    const bytes = bytesIn(request)
    return new Promise((resolve, reject) => {
      this.#pending.push({ request, bytes, resolve, reject })
      this.#pendingBytes += bytes
      this.#writing ??= this.#writeAll()
    })
  }

  /** Deletes data before a position that a durable checkpoint contains. */
  async acknowledge(position: InboxPosition): Promise<void> {
    this.#acknowledged = position
    await this.log.removeBefore(position)
  }

  /** Resolves when all pending requests are written or rejected and the files are closed. */
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
      if (this.log.end.offset >= this.#segmentBytes) {
        const remembered = this.remembered.list()
        await this.log.roll((out) => writeRemembered(remembered, out))
      }
      const requests = group.map(({ request }) => request)
      await this.log.append((out) => writeRequests(requests, out))
      for (const { request } of group) this.remembered.add(request)
      for (const { resolve } of group) resolve()
    } catch (error) {
      for (const { reject } of group) reject(error as Error)
    }
    for (const { bytes } of group) this.#pendingBytes -= bytes
    this.onChange()
  }
}
