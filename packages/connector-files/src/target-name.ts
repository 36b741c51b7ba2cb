import { MillraceError } from '@millrace/core'

/**
 * The file names of a sink, derived from its path.
 *
 * For `out/alerts.ndjson`: subtask 0 writes `alerts.ndjson`, subtask 1 `alerts.part-1.ndjson`; with rolling,
 * the files are `alerts-000001.ndjson` and `alerts.part-1-000001.ndjson` and so on. Files that are not
 * visible yet are in the same directory, with names that begin with a dot. Names written by an owner contain
 * its epoch.
 */
export class TargetName {
  readonly path: string
  readonly directory: string
  readonly #name: string
  readonly #stem: string
  readonly #extension: string

  /** Throws `OPTION_INVALID` for a path without a file name. */
  constructor(path: string) {
    const slash = path.lastIndexOf('/')
    this.path = path
    this.#name = path.slice(slash + 1)
    this.directory = slash === -1 ? '.' : path.slice(0, slash) || '/'
    if (this.#name === '' || this.#name === '.' || this.#name === '..' || path.includes('\0')) {
      throw new MillraceError('OPTION_INVALID', `${JSON.stringify(path)} has no file name; add one`)
    }
    const dot = this.#name.lastIndexOf('.')
    this.#stem = dot > 0 ? this.#name.slice(0, dot) : this.#name
    this.#extension = dot > 0 ? this.#name.slice(dot) : ''
  }

  /** The path of the single file of a subtask. */
  live(subtask: number): string {
    return this.beside(`${this.#stem}${part(subtask)}${this.#extension}`)
  }

  /** The path of file `number` of a subtask, from 1. */
  rolled(subtask: number, number: number): string {
    return this.beside(`${this.#stem}${part(subtask)}-${String(number).padStart(6, '0')}${this.#extension}`)
  }

  /** Parses the name of a rolled file to subtask and number; undefined for any other name. */
  rolledFrom(name: string): { readonly subtask: number; readonly number: number } | undefined {
    const found = /^(?:\.part-(\d+))?-(\d{6,})$/.exec(this.#between(name) ?? '')
    return found === null ? undefined : { subtask: Number(found[1] ?? 0), number: Number(found[2]) }
  }

  /** Whether a name is one that `live` returns. */
  isLive(name: string): boolean {
    return name === this.#name || /^\.part-\d+$/.test(this.#between(name) ?? '')
  }

  /** Where data is staged until it is committed. `run` is different each time a writer is opened. */
  staged(epoch: number, subtask: number, run: string, number: number): string {
    return this.beside(`${this.#hidden('staged-')}${epoch}-${subtask}-${run}-${number}`)
  }

  /** Where a replacement of this file is written. */
  copy(epoch: number): string {
    return this.beside(`${this.#hidden('copy-')}${epoch}`)
  }

  /** The epoch of the owner that staged data under a name; undefined for other names. */
  stagedIn(name: string): number | undefined {
    const prefix = this.#hidden('staged-')
    const digits = name.startsWith(prefix) ? /^\d+/.exec(name.slice(prefix.length))?.[0] : undefined
    return digits === undefined ? undefined : Number(digits)
  }

  /** The epoch of the owner that began a copy for a file of this sink; undefined for other names. */
  copiedIn(name: string): number | undefined {
    const [, file, epoch] = /^\.(.+)\.copy-(\d+)$/s.exec(name) ?? []
    const isOurs = file !== undefined && (this.isLive(file) || this.rolledFrom(file) !== undefined)
    return isOurs ? Number(epoch) : undefined
  }

  /** The file that claims the output for a job. */
  claim(job: string): string {
    return this.beside(`${this.#hidden('owner-')}${encodeURIComponent(job)}`)
  }

  isClaim(name: string): boolean {
    return name.startsWith(this.#hidden('owner-'))
  }

  /** The marker file of a failed sync. */
  get doubt(): string {
    return this.beside(this.#hidden('in-doubt'))
  }

  #hidden(kind: string): string {
    return `.${this.#name}.${kind}`
  }

  /** The part of a name between stem and extension. */
  #between(name: string): string | undefined {
    const isOurs =
      name.startsWith(this.#stem) &&
      name.endsWith(this.#extension) &&
      name.length >= this.#stem.length + this.#extension.length
    return isOurs ? name.slice(this.#stem.length, name.length - this.#extension.length) : undefined
  }

  /** The path of a name in the directory. */
  beside(name: string): string {
    if (!this.path.includes('/')) return name
    return `${this.directory === '/' ? '' : this.directory}/${name}`
  }
}

function part(subtask: number): string {
  return subtask === 0 ? '' : `.part-${subtask}`
}
