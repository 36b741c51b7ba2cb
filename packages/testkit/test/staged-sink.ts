import {
  makeDurableDirectory,
  publishFile,
  readWhole,
  removeIfThere,
  removeTemporaries,
  writeFully,
} from '@millrace/core/disk'
import type { Json } from '@millrace/core'
import type { Batch, ConnectorContext, RejectRecord, Sink, SinkWriter } from '@millrace/core/connector'
import type { Fs } from '@millrace/core/disk'
import type { SinkFeatures, SinkSubject } from '../src/conformance/sink-life.ts'
import type { SimFs } from '../src/sim-fs.ts'

/** All features: the staged sink has every feature of a sink. */
export const features: SinkFeatures = { guarantee: 'exactly-once', keepsFiles: true, severalSubtasks: true }

/** A staged file, and the name under which it will be visible. */
export type Staged = { readonly staged: string; readonly final: string }

/** Returns a sink in place of the given one. */
export type SinkBend = (sink: Sink<string, Staged>) => Sink<string>

/** The directory it writes to. */
export const directory = 'out'

/** Returns what a reader sees: the numbers in files that are not staged, in order of file names. */
async function visibleIn(fs: Fs): Promise<readonly number[]> {
  if ((await fs.stat(directory)) === undefined) return []
  const lines: string[] = []
  for (const { name } of await fs.list(directory)) {
    if (/^part-[\d-]+$/.test(name))
      lines.push(new TextDecoder().decode(await readWhole(fs, `${directory}/${name}`)))
  }
  return lines.join('').split('\n').slice(0, -1).map(Number)
}

/** A sink that stages files. `bend` can break it. */
export function stagedSubject(bend: SinkBend = (sink) => sink): SinkSubject<string> {
  return {
    sink: () => bend(new StagedSink()),
    record: (number) => String(number),
    visible: (fs: SimFs) => visibleIn(fs),
  }
}

/** Writes one file per checkpoint and subtask: staged by `prepare`, given its name by `commit`. */
class StagedSink implements Sink<string, Staged> {
  readonly kind = 'staged'
  readonly guarantee = 'exactly-once'

  async open(subtask: number, pending: readonly Staged[], context: ConnectorContext): Promise<StagedWriter> {
    const { fs, owner } = context
    const writer = new StagedWriter(subtask, context)
    if (subtask > 0) return writer
    await makeDurableDirectory(fs, directory)
    await removeTemporaries(fs, directory, owner)
    for (const committable of pending) await writer.commitAgain(committable)
    await removeStaged(context)
    return writer
  }
}

/** Removes files that earlier owners have staged, and none of later owners. */
export async function removeStaged({ fs, owner }: ConnectorContext): Promise<void> {
  for (const { name } of await fs.list(directory)) {
    const epoch = /^staged-(\d+)-/.exec(name)?.[1]
    if (Number(epoch) <= owner.epoch) await removeIfThere(fs, `${directory}/${name}`)
  }
  await fs.syncDirectory(directory)
}

/** Keeps lines in memory until the barrier. */
export class StagedWriter implements SinkWriter<string, Staged> {
  readonly subtask: number
  readonly context: ConnectorContext
  lines: string[] = []

  constructor(subtask: number, context: ConnectorContext) {
    this.subtask = subtask
    this.context = context
  }

  get fs(): Fs {
    return this.context.fs
  }

  write(batch: Batch<string>, reject: RejectRecord): void {
    for (const [index, line] of batch.values.slice(0, batch.length).entries()) {
      if (line.includes('\n')) reject(index, new Error('it has more than one line'))
      else this.lines.push(line)
    }
  }

  async prepare(checkpoint: number): Promise<Staged | undefined> {
    if (this.lines.length === 0) return undefined
    const committable = this.names(checkpoint)
    const bytes = linesOf(this.lines)
    this.lines = []
    await publishFile(this.fs, directory, committable.staged, bytes, this.context.owner)
    return committable
  }

  async commit({ staged, final }: Staged): Promise<void> {
    const isStaged = (await this.fs.stat(`${directory}/${staged}`)) !== undefined
    // The next owner gives the name or removes the file, so that this one cannot.
    if (isStaged) await this.fs.rename(`${directory}/${staged}`, `${directory}/${final}`)
    // Also when the file has its name already: the life that gave it may have died before this.
    await this.fs.syncDirectory(directory)
  }

  /** Commits after a restart. A name that is there may be one whose sync has failed, so a copy gets it. */
  async commitAgain(committable: Staged): Promise<void> {
    const { fs, owner } = this.context
    const path = `${directory}/${committable.final}`
    if ((await fs.stat(path)) === undefined) return this.commit(committable)
    await publishFile(fs, directory, committable.final, await readWhole(fs, path), owner)
  }

  async close(): Promise<void> {}

  names(checkpoint: number): Staged {
    const name = `${String(checkpoint).padStart(6, '0')}-${this.subtask}`
    return { staged: `staged-${this.context.owner.epoch}-${name}`, final: `part-${name}` }
  }
}

/** Publishes at each barrier, under a name that no other life uses. */
export class PromptSink implements Sink<string> {
  readonly kind = 'prompt'
  readonly guarantee = 'at-least-once'

  async open(
    subtask: number,
    _pending: readonly Json[],
    context: ConnectorContext,
  ): Promise<SinkWriter<string>> {
    const { fs, random } = context
    await makeDurableDirectory(fs, directory)
    const staging = new StagedWriter(subtask, context)
    return {
      write: (batch, reject) => staging.write(batch, reject),
      async prepare(checkpoint) {
        const name = `${staging.names(checkpoint).final}-${random.int(2 ** 48)}`
        await publishFile(fs, directory, name, linesOf(staging.lines))
        staging.lines = []
        return undefined
      },
      close: () => staging.close(),
    }
  }
}

/** Returns lines as the bytes of a file. */
export function linesOf(lines: readonly string[]): Uint8Array {
  return new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''))
}

/** Writes a file without `publishFile`. */
export async function append(fs: Fs, path: string, bytes: Uint8Array): Promise<void> {
  const file = await fs.open(path, 'append')
  await writeFully(file, bytes, path)
  await file.sync()
  await file.close()
}
