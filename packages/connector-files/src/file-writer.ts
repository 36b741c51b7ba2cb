import { MillraceError } from '@millrace/core'
import type { Batch, RejectRecord, SinkWriter } from '@millrace/core/connector'
import type { FileCommittable } from './committable.ts'
import type { FsyncFailedMarker } from './fsync-failed-marker.ts'
import type { RecordEncoder } from './record-encoder.ts'
import type { Target } from './target.ts'

/**
 * Encodes records and passes them to a target.
 *
 * After any failure it rejects everything: the content of the files is then unknown, and only a restart from
 * a checkpoint makes it known again. (After a failed sync another one would report success for lost bytes.)
 */
export class FileWriter<T, Committable extends FileCommittable> implements SinkWriter<T, FileCommittable> {
  readonly #encoder: RecordEncoder<T>
  readonly #target: Target<Committable>
  readonly #doubt: FsyncFailedMarker
  readonly #onClose: (isDone: boolean) => Promise<void>
  #text = ''
  #failure: Error | undefined

  /** `onClose` is called last, with whether all written data is visible. */
  constructor(
    encoder: RecordEncoder<T>,
    target: Target<Committable>,
    doubt: FsyncFailedMarker,
    onClose: (isDone: boolean) => Promise<void>,
  ) {
    this.#encoder = encoder
    this.#target = target
    this.#doubt = doubt
    this.#onClose = onClose
  }

  write(batch: Batch<T>, reject: RejectRecord): Promise<void> | void {
    if (this.#failure !== undefined) throw this.#failure
    for (let i = 0; i < batch.length; i++) {
      try {
        this.#encode(batch.values[i] as T)
      } catch (error) {
        reject(i, error)
      }
    }
    if (this.#text.length >= this.#target.flushBytes) return this.#soundly(() => this.#flush())
  }

  prepare(checkpoint: number): Promise<FileCommittable> {
    return this.#soundly(async () => {
      await this.#flush()
      return this.#target.prepare(checkpoint)
    })
  }

  commit(committable: FileCommittable): Promise<void> {
    // The engine passes back the results of `prepare` of this writer.
    return this.#soundly(() => this.#doubt.during(() => this.#target.commit(committable as Committable)))
  }

  async close(): Promise<void> {
    const isSound = this.#failure === undefined
    this.#failure ??= new MillraceError('SINK_FAILED', 'the writer is closed; open another')
    const isDone = await this.#doubt.during(() => this.#target.close(isSound))
    await this.#onClose(isSound && isDone)
  }

  #encode(record: T): void {
    const text = this.#encoder.encode(record)
    if (this.#text === '' && this.#target.isAtStart) this.#text = this.#encoder.header(record)
    this.#text += text
  }

  async #flush(): Promise<void> {
    if (this.#text === '') return
    const bytes = Buffer.from(this.#text, 'utf8')
    this.#text = ''
    await this.#target.append(bytes)
  }

  async #soundly<R>(call: () => Promise<R>): Promise<R> {
    if (this.#failure !== undefined) throw this.#failure
    try {
      return await call()
    } catch (error) {
      this.#failure ??= error as Error
      throw error
    }
  }
}
