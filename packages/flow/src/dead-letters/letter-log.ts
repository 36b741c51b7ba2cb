import type { Batch, ConnectorContext, Sink, SinkWriter } from '@millrace/core/connector'
import {
  makeDurableDirectory,
  publishFile,
  readWhole,
  removeIfThere,
  removeTemporaries,
  writeFully,
  type FsFile,
} from '@millrace/core/disk'
import type { DeadLetter } from '@millrace/core/operator'

/** Letters that were prepared for a checkpoint: the file that has them, and its name once they are visible. */
type StagedLetters = { readonly staged: string; readonly name: string }

/** Letters are written to the file when they exceed this many characters. */
const flushChars = 256 * 1024
const stagedForm = /^staged-(\d+)-/

/**
 * Keeps dead letters in the job's own data directory, exactly once: the sink of `deadLetter(name)`.
 *
 * Each subtask stages the letters of a checkpoint in a file of its own, and the commit renames it to
 * `CHECKPOINT-SUBTASK.ndjson`. A file that is visible is never changed by the job, so `readLetters` may read it while the
 * job runs.
 */
class LetterLog implements Sink<DeadLetter, StagedLetters> {
  readonly kind = 'dead-letters'
  readonly guarantee = 'exactly-once'

  async open(
    subtask: number,
    pending: readonly StagedLetters[],
    context: ConnectorContext,
  ): Promise<SinkWriter<DeadLetter, StagedLetters>> {
    const { fs, directory, owner } = context
    if (subtask === 0 && (await fs.stat(directory)) !== undefined) {
      await removeTemporaries(fs, directory, owner)
      for (const letters of pending) await publishAgain(letters, context)
      await removeStaged(context)
    }
    return new LetterWriter(subtask, context)
  }
}

/**
 * Makes letters visible that a restored checkpoint names. A visible file is written anew: the sync of its name may have
 * failed. No file at all means that its letters were redriven or dropped since.
 */
async function publishAgain({ staged, name }: StagedLetters, context: ConnectorContext): Promise<void> {
  const { fs, directory, owner } = context
  const paths = [`${directory}/${staged}`, `${directory}/${name}`]
  for (const path of paths) {
    if ((await fs.stat(path)) === undefined) continue
    await publishFile(fs, directory, name, await readWhole(fs, path), owner)
    break
  }
  await removeIfThere(fs, paths[0]!)
}

/** Removes what earlier owners and attempts have staged and no checkpoint names. */
async function removeStaged({ fs, directory, owner }: ConnectorContext): Promise<void> {
  for (const { name } of await fs.list(directory)) {
    const epoch = stagedForm.exec(name)?.[1]
    if (epoch !== undefined && Number(epoch) <= owner.epoch) await fs.remove(`${directory}/${name}`)
  }
}

class LetterWriter implements SinkWriter<DeadLetter, StagedLetters> {
  readonly #subtask: number
  readonly #context: ConnectorContext
  #text = ''
  #file: FsFile | undefined
  #staged = ''
  #files = 0

  constructor(subtask: number, context: ConnectorContext) {
    this.#subtask = subtask
    this.#context = context
  }

  async write(batch: Batch<DeadLetter>): Promise<void> {
    for (let i = 0; i < batch.length; i++) this.#text += `${JSON.stringify(batch.values[i])}\n`
    if (this.#text.length >= flushChars) await this.#flush()
  }

  async prepare(checkpoint: number): Promise<StagedLetters | undefined> {
    const { fs, directory } = this.#context
    await this.#flush()
    if (this.#file === undefined) return undefined
    await this.#file.sync()
    await this.#close()
    await fs.syncDirectory(directory)
    return { staged: this.#staged, name: `${checkpoint}-${this.#subtask}.ndjson` }
  }

  /** A staged file that is gone was published by a later owner. */
  async commit({ staged, name }: StagedLetters): Promise<void> {
    const { fs, directory } = this.#context
    if ((await fs.stat(`${directory}/${staged}`)) === undefined) return
    await fs.rename(`${directory}/${staged}`, `${directory}/${name}`)
    await fs.syncDirectory(directory)
  }

  close(): Promise<void> {
    return this.#close()
  }

  async #flush(): Promise<void> {
    if (this.#text === '') return
    const { fs, directory, owner } = this.#context
    if (this.#file === undefined) {
      await makeDurableDirectory(fs, directory)
      this.#staged = `staged-${owner.epoch}-${this.#subtask}-${this.#files++}`
      this.#file = await fs.open(`${directory}/${this.#staged}`, 'create')
    }
    const bytes = new TextEncoder().encode(this.#text)
    this.#text = ''
    await writeFully(this.#file, bytes, `${directory}/${this.#staged}`)
  }

  async #close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }
}

/** The one log of all policies `deadLetter(name)`; the engine gives each name a directory of its own. */
export const letterLog: Sink<DeadLetter> = new LetterLog()
