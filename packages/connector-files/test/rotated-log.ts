import { SimFs } from '@millrace/testkit'
import { appendTo, truncate } from './file-world.ts'

/** Contents with fewer bytes cannot be distinguished. */
const tellingBytes = 64

/** A content of a file, present or before a truncation. */
export interface Content {
  /** Each line, and the size of the content including it; the last one may be incomplete. */
  readonly lines: { readonly text: string; readonly end: number }[]
  bytes: number
  /** What happened to it; undefined while the patterns of the job find it. */
  fate: 'cut' | 'copied' | 'moved' | undefined
  /** Whether it was removed before the job knew any file that has been the log. */
  isEarly: boolean
}

/** A log that one program writes and others rotate; all its lines differ. */
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

  /** Begins a run of the job that knows no file that has been the log. */
  forget(): void {
    for (const content of this.contents) if (content.fate !== undefined) content.isEarly = true
  }

  /** Removes the log before the job knows any file that has been the log. */
  async takeEarly(): Promise<void> {
    if (await this.exists()) this.#log.isEarly = true
  }

  async write(bytes: number): Promise<void> {
    await this.#append('auth.log', this.#log, bytes)
  }

  /** Writes to the last rotated file, like a program that has not noticed the rotation. */
  async writeLate(bytes: number): Promise<void> {
    if (this.#late !== undefined) await this.#append('auth.log.1', this.#late, bytes)
  }

  async finishLate(): Promise<void> {
    const last = this.#late?.lines.at(-1)
    if (last !== undefined && last.end > this.#late!.bytes) await this.writeLate(last.end - this.#late!.bytes)
  }

  /** Ends the last line. */
  async finish(): Promise<void> {
    const last = this.#log.lines.at(-1)
    if (last !== undefined && last.end > this.#log.bytes) await this.write(last.end - this.#log.bytes)
  }

  /** Increments the numbers of the log and its rotated files. */
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

  /** Does what logrotate's copytruncate does, with a new name each time; or without a copy. */
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

  /** Writes bytes: the rest of the previous line, and more lines, the last one perhaps incomplete. */
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

  /** Records a check of everything that can be found. */
  afterLook(log: RotatedLog): Sightings {
    const bytes = new Map(this.#bytes)
    for (const content of log.contents) {
      const isFound = content.fate === undefined || this.isKnown(content)
      if (isFound && content.fate !== 'cut') bytes.set(content, content.bytes)
    }
    return new Sightings(bytes)
  }

  /** Whether enough of it was seen to recognize it. */
  isKnown(content: Content): boolean {
    return (this.#bytes.get(content) ?? 0) >= tellingBytes
  }

  /** Whether the job may stop because of it, or skip its rest with ifGone: 'skip'. */
  mayStop(content: Content): boolean {
    if (content.fate === undefined || content.bytes === 0) return false
    return content.fate === 'cut' || content.isEarly || !this.isKnown(content)
  }

  /**
   * Lines that were truncated without a copy after the last check by the job, and lines of early contents.
   */
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
