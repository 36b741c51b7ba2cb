import { describeError } from '@millrace/core'
import type { KafkaPort } from '@millrace/connector-kafka/port'
import type { HeldDirectory, Platform } from '@millrace/core/disk'
import { changelogTopic } from './changelog.ts'
import { CopyDamaged, LocalCopy } from './local-copy.ts'
import { readLog } from './log-reader.ts'
import { unlessAborted } from './unless-aborted.ts'

/** The interval of notes, in milliseconds. */
const noteEveryMs = 10_000

/** What a standby is opened with. */
export interface StandbyOptions {
  readonly port: Pick<KafkaPort, 'range' | 'feed'>
  readonly platform: Pick<Platform, 'fs' | 'clock'>
  /** The directory of the lease on this machine, as for `openLease`. */
  readonly directory: string
  readonly job: string
  readonly lease: number
  /** The lock on the directory, which the standby releases. */
  readonly lock: HeldDirectory
  readonly warn: (message: string) => void
  /** Called once, when the copy has all that was committed before it was opened. */
  readonly current?: (() => void) | undefined
}

/** A copy of a lease's data directory that is kept up to date while another worker holds the lease. */
export class Standby {
  readonly lease: number
  /** Resolves when it was closed, or with the error that has ended it. Never rejects. */
  readonly ended: Promise<{ readonly error?: unknown }>
  readonly #options: StandbyOptions
  readonly #ending = new AbortController()
  #behind: number | undefined
  #notedAt = 0
  #isCurrent = false

  constructor(options: StandbyOptions) {
    this.lease = options.lease
    this.#options = options
    this.ended = this.#live()
  }

  /** How many offsets it is behind; undefined until the cluster has answered. */
  get behind(): number | undefined {
    return this.#behind
  }

  /** Notes how far it is, and closes: from then on the directory can be used by `openLease`, which reads the rest. */
  async close(): Promise<void> {
    this.#ending.abort()
    await this.ended
  }

  async #live(): Promise<{ readonly error?: unknown }> {
    try {
      await this.#follow()
      return {}
    } catch (error) {
      return this.#ending.signal.aborted ? {} : { error }
    } finally {
      await this.#options.lock.release().catch((error: unknown) => this.#options.warn(describeError(error)))
    }
  }

  /** Follows the changelog; from its beginning, if what is on the disk does not fit it. */
  async #follow(): Promise<void> {
    const { platform, directory, port, warn } = this.#options
    const of = this.#of
    const copyOptions = { platform, directory, of }
    for (let isAnew = false; ; isAnew = true) {
      const range = await unlessAborted(port.range(of), this.#ending.signal)
      const copy = isAnew
        ? await LocalCopy.anew(copyOptions, range)
        : await LocalCopy.open(copyOptions, range)
      try {
        await this.#apply(copy, range.end)
        return
      } catch (error) {
        if (!(error instanceof CopyDamaged) || copy.isFresh) throw error
        warn(`${directory} is restored from its beginning: ${describeError(error)}`)
      } finally {
        await (this.#ending.signal.aborted ? copy.save() : copy.close())
      }
    }
  }

  /** Follows the changelog. `endBefore`: where it ended when the copy was opened. */
  async #apply(copy: LocalCopy, endBefore: number): Promise<void> {
    const { port, platform } = this.#options
    const { signal } = this.#ending
    if (copy.image.offset >= endBefore) this.#becomeCurrent()
    for await (const { records, next, end } of readLog(port, this.#of, { from: copy.image.offset, signal })) {
      await copy.apply(records, next)
      this.#behind = end - next
      if (next >= endBefore) this.#becomeCurrent()
      const now = platform.clock.monotonic()
      if (now - this.#notedAt < noteEveryMs) continue
      await copy.save()
      this.#notedAt = now
    }
  }

  #becomeCurrent(): void {
    if (this.#isCurrent) return
    this.#isCurrent = true
    this.#options.current?.()
  }

  get #of(): { readonly topic: string; readonly partition: number } {
    return { topic: changelogTopic(this.#options.job), partition: this.#options.lease }
  }
}
