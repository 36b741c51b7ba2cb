import { isMillraceError, MillraceError } from '@millrace/core'
import type { ConnectorContext } from '@millrace/core/connector'
import { putIntoDirectory, readWhole, removeIfThere, writeFully } from '@millrace/core/disk'
import type { TargetName } from './target-name.ts'

/**
 * Marks a path as written by one job: by a file next to it, named after the job. Otherwise two jobs that
 * write to one path would remove each other's staged data.
 *
 * A claim survives a crash, because the job needs its staged data after a restart. It is released when all
 * writers are closed and all their data is visible, and when the start that created it fails.
 */
export class OutputClaim {
  readonly #names: TargetName
  readonly #context: ConnectorContext
  readonly #isNew: boolean
  #writers = 0
  #isDone = true

  private constructor(names: TargetName, context: ConnectorContext, isNew: boolean) {
    this.#names = names
    this.#context = context
    this.#isNew = isNew
  }

  /** Throws `SINK_FAILED`, naming the job, if another job writes there. */
  static async check(names: TargetName, { fs, owner }: ConnectorContext): Promise<void> {
    if ((await fs.stat(names.directory)) === undefined) return
    const own = names.claim(owner.job)
    for (const entry of await fs.list(names.directory)) {
      const path = names.beside(entry.name)
      if (!names.isClaim(entry.name) || path === own) continue
      const text = new TextDecoder().decode(await readIfThere(fs, path))
      const job = text === '' ? 'another job' : `the job that keeps its data in ${text.trimEnd()}`
      throw new MillraceError(
        'SINK_FAILED',
        `${names.path} is written by ${job}; write to another path, or remove ${path} if that job is gone`,
        { place: names.path, isFinal: true },
      )
    }
  }

  /** Claims a path; throws like `check`. If two jobs do it concurrently, at most one succeeds. */
  static async take(names: TargetName, context: ConnectorContext): Promise<OutputClaim> {
    const { fs, owner, directory } = context
    const path = names.claim(owner.job)
    let isNew = true
    await putIntoDirectory(fs, names.directory, async () => {
      isNew = (await fs.stat(path)) === undefined
      const file = await fs.open(path, 'append')
      try {
        if (isNew) await writeFully(file, new TextEncoder().encode(`${directory}\n`), path)
      } finally {
        await file.close()
      }
    })
    const claim = new OutputClaim(names, context, isNew)
    await claim.orRelease(async () => {
      await fs.syncDirectory(names.directory)
      await OutputClaim.check(names, context)
    })
    return claim
  }

  /** Runs the checks of a start before it writes; if they fail, releases a claim that was made for it. */
  async orRelease<T>(start: () => Promise<T>): Promise<T> {
    try {
      return await start()
    } catch (error) {
      if (this.#isNew) await this.#end()
      throw error
    }
  }

  /** Registers an open writer. */
  join(): void {
    this.#writers++
  }

  /** Registers a closed writer; `isDone` says that no restart needs its data. */
  async leave(isDone: boolean): Promise<void> {
    this.#isDone &&= isDone
    if (--this.#writers === 0 && this.#isDone) await this.#end()
  }

  async #end(): Promise<void> {
    const { fs, owner } = this.#context
    try {
      // The claim belongs to the job, and the new owner of its directory needs it.
      await owner.confirm()
    } catch (error) {
      if (isMillraceError(error, 'DIRECTORY_LOCKED')) return
      throw error
    }
    await removeIfThere(fs, this.#names.claim(owner.job))
  }
}

async function readIfThere(fs: ConnectorContext['fs'], path: string): Promise<Uint8Array> {
  try {
    return await readWhole(fs, path)
  } catch (error) {
    if (isMillraceError(error, 'FS_NOT_FOUND')) return new Uint8Array(0)
    throw error
  }
}
