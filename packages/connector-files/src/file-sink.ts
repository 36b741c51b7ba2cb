import {
  isMillraceError,
  makeDurableDirectory,
  MillraceError,
  positiveDurationMs,
  publishFile,
  readWhole,
  type ConnectorContext,
  type Duration,
  type Sink,
  type SinkWriter,
} from '@millrace/core'
import type { FileCommittable } from './committable.ts'
import { Doubt } from './doubt.ts'
import { FileWriter } from './file-writer.ts'
import { LiveTarget } from './live-target.ts'
import type { RecordEncoder, WriteFormat } from './record-encoder.ts'
import { recover } from './recovery.ts'
import { RollingTarget, type RollLimits } from './rolling-target.ts'
import { readAt } from './staged-copy.ts'
import { TargetName } from './target-name.ts'

/** What all formats can be told about writing. */
export interface WriteOptions {
  /**
   * Writes files of about this size, numbered, each visible when it is complete. Without this and `rollEvery` there
   * is one file, which grows with each checkpoint.
   */
  readonly rollBytes?: number
  /** Writes numbered files as `rollBytes` does; a file is complete at the first checkpoint after this time. */
  readonly rollEvery?: Duration
  /**
   * What to do about files of that name when the job starts for the first time: stop, write behind what they hold, or
   * remove them. Default `'stop'`. A restarted job goes on with its own files and does not ask.
   */
  readonly ifExists?: 'stop' | 'append' | 'replace'
}

/**
 * Writes files exactly once: what a reader sees is what durable checkpoints hold, and none of it is ever taken
 * back.
 */
export class FileSink<T> implements Sink<T, FileCommittable> {
  readonly kind = 'files'
  readonly guarantee = 'exactly-once'
  readonly #name: TargetName
  readonly #format: WriteFormat<T>
  readonly #limits: RollLimits | undefined
  readonly #ifExists: NonNullable<WriteOptions['ifExists']>

  /** Throws `OPTION_INVALID`. */
  constructor(path: string, format: WriteFormat<T>, options: WriteOptions) {
    this.#name = new TargetName(path)
    this.#format = format
    this.#limits = limitsOf(options)
    this.#ifExists = options.ifExists ?? 'stop'
  }

  async open(
    subtask: number,
    pending: readonly FileCommittable[],
    context: ConnectorContext,
  ): Promise<SinkWriter<T, FileCommittable>> {
    if (subtask === 0) await this.#prepareDirectory(pending, context)
    const run = context.random.int(2 ** 48).toString(36)
    const encoder = this.#format.encoder()
    const doubt = new Doubt(context.fs, this.#name.doubt)
    const release = async (isSound: boolean): Promise<void> => {
      if (subtask === 0 && isSound) await context.fs.remove(this.#name.owner)
    }
    if (this.#limits !== undefined) {
      const target = await RollingTarget.open(this.#name, subtask, run, this.#limits, context)
      return new FileWriter(context.name, encoder, target, doubt, release)
    }
    await this.#resume(this.#name.live(subtask), encoder, context)
    const target = await LiveTarget.open(this.#name, subtask, run, context)
    return new FileWriter(context.name, encoder, target, doubt, release)
  }

  /** Brings the directory into the state of the restored checkpoint, before anybody writes. */
  async #prepareDirectory(pending: readonly FileCommittable[], context: ConnectorContext): Promise<void> {
    const { fs } = context
    await makeDurableDirectory(fs, this.#name.directory)
    await this.#claim(context)
    const doubt = new Doubt(fs, this.#name.doubt)
    const isInDoubt = await doubt.exists()
    await doubt.during(() => recover(pending, context, isInDoubt))
    await doubt.dispel()
    for (const { name } of await fs.list(this.#name.directory)) {
      if (this.#name.isStaged(name)) await fs.remove(this.#name.beside(name))
    }
    if (!pending.some((each) => this.#isOurs(each))) await this.#meetOldFiles(context)
  }

  /** Whether a committable is about the path of this sink, which may have been another when it was made. */
  #isOurs(committable: FileCommittable): boolean {
    if (committable.kind === 'rolling') return committable.path === this.#name.path
    const { directory, path } = new TargetName(committable.target)
    return directory === this.#name.directory && this.#name.isLive(path.slice(path.lastIndexOf('/') + 1))
  }

  /** Two jobs that write to one file would each take the other's staged data for leftovers. */
  async #claim({ fs, name, directory }: ConnectorContext): Promise<void> {
    const { owner, path } = this.#name
    if ((await fs.stat(owner)) === undefined) {
      const fileName = owner.slice(owner.lastIndexOf('/') + 1)
      await publishFile(fs, this.#name.directory, fileName, Buffer.from(directory, 'utf8'))
    }
    const claimant = Buffer.from(await readWhole(fs, owner)).toString('utf8')
    if (claimant === directory) return
    throw new MillraceError(
      'SINK_FAILED',
      `sink ${name}: ${path} is written by the job that keeps its data in ${claimant}; write to another path, or ` +
        `remove ${owner} if that job is gone`,
      { place: path },
    )
  }

  async #meetOldFiles({ fs, name }: ConnectorContext): Promise<void> {
    if (this.#ifExists === 'append') return
    const isOurs = (file: string): boolean =>
      this.#limits === undefined ? this.#name.isLive(file) : this.#name.rolledFrom(file) !== undefined
    for (const entry of await fs.list(this.#name.directory)) {
      const path = this.#name.beside(entry.name)
      if (!isOurs(entry.name) || (await fs.stat(path))?.size === 0) continue
      if (this.#ifExists === 'stop') {
        throw new MillraceError(
          'FS_EXISTS',
          `sink ${name}: ${path} exists, and no checkpoint of this job has written it; move it away, or set ` +
            "ifExists to 'append' or 'replace'",
          { place: path },
        )
      }
      await fs.remove(path)
    }
    await fs.syncDirectory(this.#name.directory)
  }

  /** Looks at a file that is gone on with: it must end with a line, and begin as the format wants it. */
  async #resume(path: string, encoder: RecordEncoder<T>, { fs, name }: ConnectorContext): Promise<void> {
    const size = (await fs.stat(path))?.size ?? 0
    if (size === 0) return
    const file = await fs.open(path, 'read')
    try {
      const [last] = await readAt(file, size - 1, 1, path)
      if (last !== 0x0a) throw new Error('it ends in the middle of a line')
      const head = Buffer.from(await readAt(file, 0, Math.min(size, 64 * 1024), path))
      const lineBytes = head.indexOf(0x0a)
      encoder.resume(head.toString('utf8', 0, lineBytes === -1 ? head.length : lineBytes))
    } catch (cause) {
      const why = isMillraceError(cause) ? cause.message : (cause as Error).message
      const advice = 'mend it, or write to another path'
      throw new MillraceError(
        'SINK_FAILED',
        `sink ${name}: ${path} cannot be gone on with: ${why}; ${advice}`,
        {
          cause,
          place: path,
        },
      )
    } finally {
      await file.close()
    }
  }
}

function limitsOf({ rollBytes, rollEvery }: WriteOptions): RollLimits | undefined {
  if (rollBytes === undefined && rollEvery === undefined) return undefined
  if (rollBytes !== undefined && !(rollBytes > 0)) {
    throw new MillraceError('OPTION_INVALID', `rollBytes is ${rollBytes}; give a number of bytes above zero`)
  }
  const ms = rollEvery === undefined ? Infinity : positiveDurationMs(rollEvery, 'rollEvery')
  return { bytes: rollBytes ?? Infinity, ms }
}
