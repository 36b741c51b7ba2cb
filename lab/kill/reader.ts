import { closeSync, existsSync, openSync, readFileSync, readSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { files } from './input.ts'

/** How many bytes at the end of a file are remembered, to detect later changes. */
const tailBytes = 256

interface Sight {
  readonly file: string
  readonly size: number
  readonly tail: string
}

/**
 * Reads the output while the job runs and is killed.
 *
 * Visible output must not change: files only grow, and no byte changes. For records whose input line is known
 * (the sink `doubled`), none may be visible that the newest checkpoint has not read.
 */
export class OutputReader {
  readonly #directory: string
  readonly #checkpoints: string
  readonly #sights = new Map<string, Sight[]>()
  looks = 0
  readonly violations: string[] = []

  constructor(output: string, dataDirectory: string) {
    this.#directory = output
    this.#checkpoints = path.join(dataDirectory, 'checkpoints')
  }

  visible(): readonly string[] {
    return namesIn(this.#directory).filter((name) => !name.startsWith('.'))
  }

  /** Remembers the current output. */
  look(): void {
    this.looks++
    for (const file of this.visible()) {
      const size = statSync(path.join(this.#directory, file)).size
      const sights = this.#sights.get(file) ?? []
      const last = sights.at(-1)
      if (last !== undefined && size < last.size)
        this.#violation(`${file} shrank from ${last.size} to ${size} bytes`)
      if (last === undefined || size > last.size) sights.push({ file, size, tail: this.#tail(file, size) })
      this.#sights.set(file, sights)
    }
    for (const file of this.#sights.keys()) {
      if (!this.visible().includes(file)) this.#violation(`${file} vanished`)
    }
  }

  /** While no process runs: all visible output must belong to the newest checkpoint. */
  lookAfterKill(): void {
    this.look()
    const read = this.#linesRead()
    for (const file of this.visible()) {
      if (!file.startsWith('doubled')) continue
      for (const line of lines(path.join(this.#directory, file))) {
        const { id } = JSON.parse(line) as { id: number }
        if (Math.floor(id / files) + 1 >= (read.get(id % files) ?? 0)) {
          this.#violation(`${file} shows record ${id}, which no checkpoint holds`)
        }
      }
    }
  }

  /** At the end: no byte that was ever seen has changed. */
  compareAll(): void {
    for (const [file, sights] of this.#sights) {
      for (const { size, tail } of sights) {
        if (this.#tail(file, size) !== tail)
          this.#violation(`${file} changed before byte ${size} after it was seen`)
      }
    }
  }

  *everything(): Iterable<string> {
    for (const file of this.visible()) yield* lines(path.join(this.#directory, file))
  }

  /** By input file: the first line that the newest intact checkpoint has not read. */
  #linesRead(): ReadonlyMap<number, number> {
    const read = new Map<number, number>()
    const newest = namesIn(this.#checkpoints)
      .filter((name) => name.endsWith('.json'))
      .toSorted()
      .at(-1)
    if (newest === undefined) return read
    const text = readFileSync(path.join(this.#checkpoints, newest), 'utf8')
    const manifest = JSON.parse(text.slice(text.indexOf('\n'))) as {
      readonly sources: readonly [
        { readonly splits: readonly { readonly split: string; readonly position?: { line: number } }[] },
      ]
    }
    for (const { position, split } of manifest.sources[0].splits) {
      const file = /readings-(\d)/.exec(`${split} ${JSON.stringify(position)}`)?.[1]
      if (position !== undefined) read.set(Number(file), position.line)
    }
    return read
  }

  #tail(file: string, size: number): string {
    const length = Math.min(size, tailBytes)
    const bytes = Buffer.alloc(length)
    const descriptor = openSync(path.join(this.#directory, file), 'r')
    try {
      readSync(descriptor, bytes, 0, length, size - length)
    } finally {
      closeSync(descriptor)
    }
    return bytes.toString('latin1')
  }

  #violation(what: string): void {
    if (this.violations.length < 20) this.violations.push(what)
  }
}

/** A job that was killed early may not have created its directories yet. */
function namesIn(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory) : []
}

/** The complete lines of a file; a last one without a newline does not count. */
function lines(file: string): readonly string[] {
  return readFileSync(file, 'utf8').split('\n').slice(0, -1)
}
