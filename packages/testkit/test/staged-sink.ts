import { makeDurableDirectory, publishFile, readWhole } from '@millrace/core'
import type { Batch, ConnectorContext, Fs, Json, RejectRecord, Sink, SinkWriter } from '@millrace/core'
import type { SinkFeatures, SinkSubject } from '../src/conformance/sink-life.ts'
import type { SimFs } from '../src/sim-fs.ts'

/** Everything: the staged sink can do what a sink can. */
export const features: SinkFeatures = { guarantee: 'exactly-once', keepsFiles: true, severalSubtasks: true }

/** A staged file, and the name under which it will be visible. */
export type Staged = { readonly staged: string; readonly final: string }

/** A sink instead of the one given. */
export type SinkBend = (sink: Sink<string, Staged>) => Sink<string>

/** The directory it writes to. */
export const directory = 'out'

/** What a reader sees: the numbers in files that are not staged, in order of their names. */
async function visibleIn(fs: Fs): Promise<readonly number[]> {
  if ((await fs.stat(directory)) === undefined) return []
  const lines: string[] = []
  for (const { name } of await fs.list(directory)) {
    if (/^part-[\d-]+$/.test(name))
      lines.push(new TextDecoder().decode(await readWhole(fs, `${directory}/${name}`)))
  }
  return lines.join('').split('\n').slice(0, -1).map(Number)
}

/** A staged sink over files. `bend` may break it. */
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
    const { fs } = context
    const writer = new StagedWriter(subtask, fs)
    if (subtask > 0) return writer
    await makeDurableDirectory(fs, directory)
    for (const committable of pending) await writer.commitAgain(committable)
    for (const { name } of await fs.list(directory)) {
      if (name.startsWith('staged-')) await fs.remove(`${directory}/${name}`)
    }
    await fs.syncDirectory(directory)
    return writer
  }
}

/** Keeps lines in memory until the barrier. */
export class StagedWriter implements SinkWriter<string, Staged> {
  readonly subtask: number
  readonly fs: Fs
  lines: string[] = []

  constructor(subtask: number, fs: Fs) {
    this.subtask = subtask
    this.fs = fs
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
    await publishFile(this.fs, directory, committable.staged, bytes)
    return committable
  }

  async commit({ staged, final }: Staged): Promise<void> {
    const isStaged = (await this.fs.stat(`${directory}/${staged}`)) !== undefined
    if (isStaged) await this.fs.rename(`${directory}/${staged}`, `${directory}/${final}`)
    // Also when the file has its name already: the life that gave it may have died before this.
    await this.fs.syncDirectory(directory)
  }

  /** Commits after a restart. A name that is there may be one whose sync has failed, so it is given anew. */
  async commitAgain(committable: Staged): Promise<void> {
    const [staged, final] = [`${directory}/${committable.staged}`, `${directory}/${committable.final}`]
    if ((await this.fs.stat(final)) !== undefined) await this.fs.rename(final, staged)
    await this.commit(committable)
  }

  async close(): Promise<void> {}

  names(checkpoint: number): Staged {
    const name = `${String(checkpoint).padStart(6, '0')}-${this.subtask}`
    return { staged: `staged-${name}`, final: `part-${name}` }
  }
}

/** Makes visible at each barrier, under a name that no other life gives. */
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
    const staging = new StagedWriter(subtask, fs)
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

/** Lines as the bytes of a file. */
export function linesOf(lines: readonly string[]): Uint8Array {
  return new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''))
}
