import { MillraceError } from '@millrace/core'
import { TextBuffer, type Batch, type RejectRecord, type SinkWriter } from '@millrace/core/connector'
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
  /** What was encoded and not yet appended to the target. */
  readonly #out = new TextBuffer(4096, (bytes) => Buffer.allocUnsafeSlow(bytes))
  /** The bytes that were appended. */
  #appended = 0
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

  get bytesWritten(): number {
    return this.#appended + this.#out.length
  }

  write(batch: Batch<T>, reject: RejectRecord): Promise<void> | void {
    if (this.#failure !== undefined) throw this.#failure
    for (let i = 0; i < batch.length; i++) {
      const start = this.#out.length
      try {
        this.#encode(batch.values[i] as T)
      } catch (error) {
        this.#out.length = start
        reject(i, error)
      }
    }
    if (this.#out.length >= this.#target.flushBytes) return this.#soundly(() => this.#flush())
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
    const out = this.#out
    if (out.length === 0 && this.#target.isAtStart) out.text(this.#encoder.header(record))
    this.#encoder.encode(record, out)
  }

  async #flush(): Promise<void> {
    const out = this.#out
    if (out.length === 0) return
    // No call overlaps this one, so the memory can be used again after it.
    await this.#target.append(out.written())
    this.#appended += out.length
    out.length = 0
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
