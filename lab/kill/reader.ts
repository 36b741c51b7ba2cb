import { closeSync, existsSync, openSync, readFileSync, readSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { files } from './input.ts'

/** How much of the end of a file is remembered, to see later whether it was changed. */
const tailBytes = 256

interface Sight {
  readonly file: string
  readonly size: number
  readonly tail: string
}

/**
 * Looks at the output as any reader would, while the job runs and is killed.
 *
 * What is visible once must stay: each file only grows, and no byte of it ever changes. Of records whose input line is
 * known (the sink `doubled`), none may be visible that the newest checkpoint has not read.
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

  /** Remembers what is there now. */
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

  /** Nobody runs: whatever is visible must be in the newest checkpoint. */
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

  /** At the end: every byte that was ever seen is still what it was. */
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

  /** By input file: the number of the first line that the newest whole checkpoint has not read. */
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

/** A job that was killed early has not made its directories yet. */
function namesIn(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory) : []
}

/** The whole lines of a file; a last one without its newline is not a line. */
function lines(file: string): readonly string[] {
  return readFileSync(file, 'utf8').split('\n').slice(0, -1)
}
