import { watch, type FSWatcher } from 'node:fs'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import type { Clock } from '@millrace/world'

/** Changes within this many milliseconds count as one: an editor writes a file in several steps. */
const settleMs = 100

/** What may become part of a program whose import has failed. */
const program = /\.(?:[cm]?[jt]sx?|json)$/

/** Calls a function when one of some files has changed. */
export class WatchedFiles implements Disposable {
  readonly #clock: Clock
  readonly #changed: () => void
  /** By path: when it was changed last; undefined if it is not there. */
  readonly #files = new Map<string, number | undefined>()
  readonly #watchers = new Map<string, FSWatcher>()
  /** Whether any program file beside them counts as well. */
  isOpen = false
  #alarm: Disposable | undefined

  constructor(clock: Clock, changed: () => void) {
    this.#clock = clock
    this.#changed = changed
  }

  /** Watches a file. If it has changed after `loadedAt`, in milliseconds since the epoch, that counts at once. */
  async add(file: string, loadedAt: number): Promise<void> {
    if (this.#files.has(file)) return
    this.#files.set(file, undefined)
    this.#watch(path.dirname(file))
    const changedAt = await changeOf(file)
    this.#files.set(file, changedAt)
    if (changedAt !== undefined && changedAt > loadedAt) this.#settle()
  }

  [Symbol.dispose](): void {
    this.#alarm?.[Symbol.dispose]()
    for (const watcher of this.#watchers.values()) watcher.close()
  }

  /** Directories are watched, because editors replace files. */
  #watch(directory: string): void {
    if (this.#watchers.has(directory)) return
    const watcher = watch(
      directory,
      (_, name) => void this.#look(name === null ? undefined : path.join(directory, name)),
    )
    // A directory that is removed is watched again with the next file that is loaded from it.
    watcher.on('error', () => {
      watcher.close()
      this.#watchers.delete(directory)
    })
    this.#watchers.set(directory, watcher)
  }

  async #look(file: string | undefined): Promise<void> {
    const files = file === undefined ? [...this.#files.keys()] : [file]
    for (const each of files) {
      if (!this.#files.has(each)) {
        if (this.isOpen && program.test(each)) this.#settle()
        continue
      }
      const changedAt = await changeOf(each)
      if (changedAt === this.#files.get(each)) continue
      this.#files.set(each, changedAt)
      // A file that is missing is being replaced, or its importer changes too.
      if (changedAt !== undefined) this.#settle()
    }
  }

  #settle(): void {
    this.#alarm?.[Symbol.dispose]()
    this.#alarm = this.#clock.schedule(settleMs, this.#changed)
  }
}

async function changeOf(file: string): Promise<number | undefined> {
  return (await stat(file).catch(() => undefined))?.mtimeMs
}
