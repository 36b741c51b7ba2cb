/** The number of kept lines: enough to explain a failure, few enough for a long simulation. */
const LINES_MAX = 1_000

/**
 * What happened in a simulation, in order.
 *
 * The digest covers everything that was ever added; the lines are the last thousand or two. If two runs of one seed
 * have different digests, something other than the seed had an influence.
 */
export class Trace {
  #lines: string[] = []
  #digest = 0x811c9dc5
  #length = 0

  /** The number of added lines. */
  get length(): number {
    return this.#length
  }

  /** 32 bits over everything that was added (FNV-1a over UTF-16 units). */
  get digest(): number {
    return this.#digest >>> 0
  }

  /** The last thousand or two, oldest first. */
  get lines(): readonly string[] {
    return this.#lines
  }

  /** Adds a line; `number` counts in the digest and is not shown, `shown` is what is shown in its place. */
  add(line: string, number = 0, shown: string = line): void {
    this.#length++
    let digest = Math.imul(this.#digest ^ number, 0x01000193)
    for (let i = 0; i < line.length; i++) digest = Math.imul(digest ^ line.charCodeAt(i), 0x01000193)
    this.#digest = Math.imul(digest ^ 0x0a, 0x01000193)
    this.#lines.push(shown)
    if (this.#lines.length >= 2 * LINES_MAX) this.#lines = this.#lines.slice(LINES_MAX)
  }
}
