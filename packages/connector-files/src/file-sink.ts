import { isMillraceError, MillraceError, positiveDurationMs, type Duration } from '@millrace/core'
import type { ConnectorContext, Sink, SinkWriter } from '@millrace/core/connector'
import { removeIfThere, type Fs } from '@millrace/core/disk'
import type { FileCommittable } from './committable.ts'
import { FsyncFailedMarker } from './fsync-failed-marker.ts'
import { FileWriter } from './file-writer.ts'
import { LiveTarget } from './live-target.ts'
import { OutputClaim } from './output-claim.ts'
import type { RecordEncoder, WriteFormat } from './record-encoder.ts'
import { Recovery, removeCopies } from './recovery.ts'
import { RollingTarget, type RollLimits } from './rolling-target.ts'
import { readExactly } from './staged-copy.ts'
import { TargetName } from './target-name.ts'

/** Options common to all formats for writing. */
export interface WriteOptions {
  /**
   * Writes numbered files of about this size, each visible when it is complete. Without this and `rollEvery`
   * there is one file, which grows with each checkpoint.
   */
  readonly rollBytes?: number
  /** Writes numbered files as `rollBytes` does; a file is complete at the first checkpoint after this time. */
  readonly rollEvery?: Duration
  /**
   * What to do about existing files of that name when the job starts for the first time: stop, append, or
   * remove them. Default `'stop'`. A restarted job continues its own files without this check.
   */
  readonly ifExists?: 'stop' | 'append' | 'replace'
}

/** A longer first row is not a header. */
const headerBytesMax = 16 * 1024 * 1024

/**
 * Writes files exactly once: readers see only data of durable checkpoints, and it is never removed.
 */
export class FileSink<T> implements Sink<T, FileCommittable> {
  readonly kind = 'files'
  readonly guarantee = 'exactly-once'
  readonly #name: TargetName
  readonly #format: WriteFormat<T>
  readonly #limits: RollLimits | undefined
  readonly #ifExists: NonNullable<WriteOptions['ifExists']>
  /** The claims of the open writers. */
  #claim: OutputClaim | undefined

  /** Throws `OPTION_INVALID`. */
  constructor(path: string, format: WriteFormat<T>, options: WriteOptions) {
    this.#name = new TargetName(path)
    this.#format = format
    this.#limits = limitsOf(options)
    this.#ifExists = options.ifExists ?? 'stop'
  }

  async check(pending: readonly FileCommittable[], context: ConnectorContext): Promise<void> {
    await OutputClaim.check(this.#name, context)
    if (pending.some((each) => this.#isOurs(each))) return
    for (const path of await this.#oldFiles(context)) {
      if (this.#ifExists === 'stop') throw exists(path)
      if (this.#ifExists === 'append' && this.#limits === undefined) {
        await this.#resume(path, this.#format.encoder(), context)
      }
    }
  }

  async open(
    subtask: number,
    pending: readonly FileCommittable[],
    context: ConnectorContext,
  ): Promise<SinkWriter<T, FileCommittable>> {
    if (subtask === 0) {
      await this.check(pending, context)
      this.#claim = await OutputClaim.take(this.#name, context)
      await this.#claim.orRelease(() => this.#prepareDirectory(pending, context))
    }
    const run = context.random.int(2 ** 48).toString(36)
    const encoder = this.#format.encoder()
    const doubt = new FsyncFailedMarker(context.fs, this.#name.doubt)
    const openTarget = async (): Promise<RollingTarget | LiveTarget> => {
      if (this.#limits !== undefined) {
        return RollingTarget.open(this.#name, subtask, run, this.#limits, context)
      }
      await this.#resume(this.#name.live(subtask), encoder, context)
      return LiveTarget.open(this.#name, subtask, run, context)
    }
    const claim = this.#claim
    const target = claim === undefined ? await openTarget() : await claim.orRelease(openTarget)
    claim?.join()
    return new FileWriter<T, FileCommittable>(encoder, target, doubt, async (isDone) => claim?.leave(isDone))
  }

  /** Restores the directory to the state of the restored checkpoint, before anything is written. */
  async #prepareDirectory(pending: readonly FileCommittable[], context: ConnectorContext): Promise<void> {
    const { fs, owner } = context
    const doubt = new FsyncFailedMarker(fs, this.#name.doubt)
    const recovery = new Recovery(pending, context, await doubt.exists())
    await removeCopies(fs, this.#name, owner)
    await recovery.fence()
    await recovery.verify()
    await doubt.during(async () => {
      await recovery.complete()
      await this.#removeStaged(context)
      await recovery.takeBack()
    })
    await doubt.dispel()
    if (!pending.some((each) => this.#isOurs(each))) await this.#replaceOldFiles(context)
  }

  /**
   * Removes staged data that belongs to no checkpoint. A process that has lost the directory leaves the new
   * owner's files alone.
   */
  async #removeStaged({ fs, owner }: ConnectorContext): Promise<void> {
    for (const { name } of await fs.list(this.#name.directory)) {
      const epoch = this.#name.stagedIn(name) ?? Infinity
      if (epoch <= owner.epoch) await removeIfThere(fs, this.#name.beside(name))
    }
  }

  /**
   * Whether a committable belongs to the path of this sink, which may have been different when it was made.
   */
  #isOurs(committable: FileCommittable): boolean {
    if (committable.kind === 'rolling') return committable.path === this.#name.path
    const { directory, path } = new TargetName(committable.target)
    return directory === this.#name.directory && this.#name.isLive(path.slice(path.lastIndexOf('/') + 1))
  }

  async #replaceOldFiles(context: ConnectorContext): Promise<void> {
    if (this.#ifExists !== 'replace') return
    const old = await this.#oldFiles(context)
    const { fs, owner } = context
    // A process that has lost the directory may see only files older than the new owner's.
    await owner.confirm()
    for (const path of old) await removeIfThere(fs, path)
    await fs.syncDirectory(this.#name.directory)
  }

  /** The files that have names of this sink and are not empty. */
  async #oldFiles({ fs }: ConnectorContext): Promise<readonly string[]> {
    if ((await fs.stat(this.#name.directory)) === undefined) return []
    const paths: string[] = []
    for (const { name } of await fs.list(this.#name.directory)) {
      const isOurs =
        this.#limits === undefined ? this.#name.isLive(name) : this.#name.rolledFrom(name) !== undefined
      const path = this.#name.beside(name)
      if (isOurs && (await fs.stat(path))?.size !== 0) paths.push(path)
    }
    return paths
  }

  /** Checks a file that is to be continued: it must end with a line end, and begin as the format requires. */
  async #resume(path: string, encoder: RecordEncoder<T>, { fs }: ConnectorContext): Promise<void> {
    const size = (await fs.stat(path))?.size ?? 0
    if (size === 0) return
    try {
      await resumeFile(fs, path, size, encoder)
    } catch (cause) {
      const why = isMillraceError(cause) ? cause.message : (cause as Error).message
      throw new MillraceError(
        'SINK_FAILED',
        `${path} cannot be resumed: ${why}; fix it, or write to another path`,
        { cause, place: path, isFinal: true },
      )
    }
  }
}

async function resumeFile(
  fs: Fs,
  path: string,
  size: number,
  encoder: RecordEncoder<unknown>,
): Promise<void> {
  const file = await fs.open(path, 'read')
  try {
    const [last] = await readExactly(file, size - 1, 1, path)
    if (last !== 0x0a) throw new Error('it ends in the middle of a line')
    // The header is a record of unknown length, and column names may contain line breaks.
    for (let bytes = 64 * 1024; ; bytes *= 4) {
      const head = await readExactly(file, 0, Math.min(size, bytes), path)
      if (encoder.resume(new TextDecoder('utf-8', { ignoreBOM: true }).decode(head))) return
      if (bytes >= Math.min(size, headerBytesMax)) throw new Error('its header does not end')
    }
  } finally {
    await file.close()
  }
}

function exists(path: string): MillraceError {
  return new MillraceError(
    'FS_EXISTS',
    `${path} already exists, and no checkpoint of this job has written it; move it away, or set ` +
      "ifExists to 'append' or 'replace'",
    { place: path },
  )
}

function limitsOf({ rollBytes, rollEvery }: WriteOptions): RollLimits | undefined {
  if (rollBytes === undefined && rollEvery === undefined) return undefined
  if (rollBytes !== undefined && !(rollBytes > 0)) {
    throw new MillraceError('OPTION_INVALID', `rollBytes is ${rollBytes}; give a number of bytes above zero`)
  }
  const ms = rollEvery === undefined ? Infinity : positiveDurationMs(rollEvery, 'rollEvery')
  return { bytes: rollBytes ?? Infinity, ms }
}
