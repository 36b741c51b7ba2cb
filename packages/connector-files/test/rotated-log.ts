import { SimFs } from '@millrace/testkit'
import { appendTo, truncate } from './file-world.ts'

/** Fewer bytes than this do not tell one content from another. */
const tellingBytes = 64

/** What a file holds, or held before it was cut. */
export interface Content {
  /** Each line, and how large the content was with it; the last one may not be written in full. */
  readonly lines: { readonly text: string; readonly end: number }[]
  bytes: number
  /** What became of it; undefined while it is where the patterns of the job find it. */
  fate: 'cut' | 'copied' | 'moved' | undefined
  /** Whether it was removed before the job knew of any file that has been the log. */
  isEarly: boolean
}

/** A log that a program writes to and others rotate, as lines that are all different. */
export class RotatedLog {
  readonly fs: SimFs = new SimFs()
  readonly contents: Content[] = []
  /** Whether the patterns of the job match the names of rotated files. */
  readonly #isRotatedMatched: boolean
  #log: Content = this.#begin()
  #late: Content | undefined
  #count = 0
  #names = 0
  #rotated = 0

  /** Every line that has been written. */
  get lines(): readonly string[] {
    return this.contents.flatMap(({ lines, bytes }) =>
      lines.filter(({ end }) => end <= bytes).map(({ text }) => text),
    )
  }

  constructor(isRotatedMatched: boolean) {
    this.#isRotatedMatched = isRotatedMatched
  }

  /** A life of the job begins that knows of no file that has been the log. */
  forget(): void {
    for (const content of this.contents) if (content.fate !== undefined) content.isEarly = true
  }

  /** The log is removed before the job knows of any file that has been the log. */
  async takeEarly(): Promise<void> {
    if (await this.exists()) this.#log.isEarly = true
  }

  async write(bytes: number): Promise<void> {
    await this.#append('auth.log', this.#log, bytes)
  }

  /** Writes to the file that was rotated last, as a program does that has not noticed yet. */
  async writeLate(bytes: number): Promise<void> {
    if (this.#late !== undefined) await this.#append('auth.log.1', this.#late, bytes)
  }

  async finishLate(): Promise<void> {
    const last = this.#late?.lines.at(-1)
    if (last !== undefined && last.end > this.#late!.bytes) await this.writeLate(last.end - this.#late!.bytes)
  }

  /** Ends the line that was begun last. */
  async finish(): Promise<void> {
    const last = this.#log.lines.at(-1)
    if (last !== undefined && last.end > this.#log.bytes) await this.write(last.end - this.#log.bytes)
  }

  /** Gives the log and those that were rotated before it the next number. */
  async rotate(): Promise<void> {
    if (!(await this.exists())) return
    await this.finishLate()
    for (let number = this.#rotated; number > 0; number--) {
      await this.fs.rename(`auth.log.${number}`, `auth.log.${number + 1}`)
    }
    await this.fs.rename('auth.log', 'auth.log.1')
    this.#rotated++
    this.#late = this.#log
    if (!this.#isRotatedMatched) this.#log.fate = 'moved'
    this.#log = this.#begin()
  }

  /** Renames the log to the archive. */
  async move(): Promise<void> {
    if (!(await this.exists())) return
    await this.finish()
    await this.fs.makeDirectory('old')
    await this.fs.rename('auth.log', `old/auth.log-${++this.#names}`)
    this.#log.fate = 'moved'
    this.#log = this.#begin()
  }

  /** Does what logrotate's copytruncate does, with names that are used once; or without a copy. */
  async cut(copy: 'old/auth.log-' | 'auth-' | undefined): Promise<void> {
    if (!(await this.exists())) return
    await this.finish()
    if (copy !== undefined) this.fs.put(`${copy}${++this.#names}`, this.fs.peek('auth.log') ?? '')
    await truncate(this.fs, 'auth.log')
    this.#log.fate = copy === undefined ? 'cut' : 'copied'
    this.#log = this.#begin()
  }

  #begin(): Content {
    const content: Content = { lines: [], bytes: 0, fate: undefined, isEarly: false }
    this.contents.push(content)
    return content
  }

  async exists(): Promise<boolean> {
    return (await this.fs.stat('auth.log')) !== undefined
  }

  /** Writes some bytes: the rest of the line before, and more lines, the last one perhaps in part. */
  async #append(path: string, content: Content, bytes: number): Promise<void> {
    const last = content.lines.at(-1)
    let end = last?.end ?? 0
    let text = end > content.bytes ? `${last!.text}\n`.slice(content.bytes - end) : ''
    while (text.length < bytes) {
      const line = `line ${this.#count++} `.padEnd(8 + (this.#count % 9), '.')
      end += line.length + 1
      content.lines.push({ text: line, end })
      text += `${line}\n`
    }
    content.bytes += bytes
    await appendTo(this.fs, path, text.slice(0, bytes))
  }
}

/** How much of each content a job has seen. */
export class Sightings {
  readonly #bytes: ReadonlyMap<Content, number>

  constructor(bytes: ReadonlyMap<Content, number> = new Map()) {
    this.#bytes = bytes
  }

  /** After a look at everything that can be found. */
  afterLook(log: RotatedLog): Sightings {
    const bytes = new Map(this.#bytes)
    for (const content of log.contents) {
      const isFound = content.fate === undefined || this.isKnown(content)
      if (isFound && content.fate !== 'cut') bytes.set(content, content.bytes)
    }
    return new Sightings(bytes)
  }

  /** Whether enough was seen of it to know it again. */
  isKnown(content: Content): boolean {
    return (this.#bytes.get(content) ?? 0) >= tellingBytes
  }

  /** Whether the job may stop because of it, or skip the rest of it if it was told to. */
  mayStop(content: Content): boolean {
    if (content.fate === undefined || content.bytes === 0) return false
    return content.fate === 'cut' || content.isEarly || !this.isKnown(content)
  }

  /** Lines that were cut, without a copy, after the job had last looked, and those of early contents. */
  unseen(log: RotatedLog): ReadonlySet<string> {
    const lost = log.contents.filter(({ fate, isEarly }) => fate === 'cut' || isEarly)
    return new Set(
      lost.flatMap((content) => {
        const seen = content.isEarly ? 0 : (this.#bytes.get(content) ?? 0)
        return content.lines.filter(({ end }) => end > seen).map(({ text }) => text)
      }),
    )
  }
}
