/**
 * A reader of the output while the job runs, crashes and restarts.
 *
 * It knows two rules: a line counts once its newline is written, and a numbered file is complete when it
 * exists. In return it may rely on what it has read: it never sees a line that is wrong, duplicated or out of
 * order within its key, and a visible line is never removed.
 */
import type { SimFs } from '@millrace/testkit'
import { promised } from './broken-promise.ts'
import { expectedLive, expectedRolled, type OutputLine } from './readings.ts'

/** The contents of the output files, by path. */
interface Output {
  /** The growing files, up to the last newline of each. */
  readonly live: ReadonlyMap<string, string>
  /** The rest: beginnings of lines being written. */
  readonly unfinished: readonly string[]
  /** The numbered files. */
  readonly rolled: ReadonlyMap<string, string>
}

const nothing: Output = { live: new Map(), unfinished: [], rolled: new Map() }
const live = expectedLive()
const rolled = expectedRolled()
const livePattern = /^\/out\/live(?:\.part-\d+)?\.ndjson$/
const rolledPattern = /^\/out\/rolled(?:\.part-\d+)?-\d{6}\.ndjson$/
const text = new TextDecoder()

export class OutputReader {
  #seen: Output
  /** The output at the last completed checkpoint: a power loss cannot remove it. */
  #safe: Output

  private constructor(seen: Output, safe: Output) {
    this.#seen = seen
    this.#safe = safe
  }

  static new(): OutputReader {
    return new OutputReader(nothing, nothing)
  }

  /** Another reader that has seen the same. */
  clone(): OutputReader {
    return new OutputReader(this.#seen, this.#safe)
  }

  /** Reads the current output. */
  look(fs: SimFs): void {
    const now = outputOn(fs)
    checkLines(now)
    for (const beginning of now.unfinished) checkUnfinished(beginning)
    checkGrowth(this.#seen, now)
    this.#seen = now
  }

  /** Records a completed checkpoint; the visible output of earlier ones is durable by then. */
  checkpointCompleted(): void {
    this.#safe = this.#seen
  }

  /**
   * Reads after a power loss and before the job restarts.
   *
   * The end of a growing file may contain anything then, as on any file system. The output at the last
   * completed checkpoint must still exist, and numbered files must be complete.
   */
  lookAfterPowerLoss(fs: SimFs): void {
    const now = outputOn(fs)
    checkLines({ ...now, live: this.#safe.live })
    checkGrowth(this.#safe, now)
  }

  /** Takes over what `other` saw first, on the same disk. */
  meet(other: OutputReader): void {
    checkGrowth(this.#seen, other.#seen)
  }

  /** Checks that the final output is complete and without duplicates. */
  requireAll(): void {
    requireSame('live lines', [...this.#seen.live.values()].flatMap(linesOf), live)
    requireSame('rolled lines', [...this.#seen.rolled.values()].flatMap(linesOf), rolled)
  }
}

function outputOn(fs: SimFs): Output {
  const paths = fs.paths().filter((path) => path.startsWith('/out/'))
  const wholeLines = new Map<string, string>()
  const unfinished: string[] = []
  for (const path of paths.filter((each) => livePattern.test(each))) {
    const content = contentOf(fs, path)
    const end = content.lastIndexOf('\n') + 1
    wholeLines.set(path, content.slice(0, end))
    unfinished.push(content.slice(end))
  }
  const files = paths.filter((path) => rolledPattern.test(path))
  return { live: wholeLines, unfinished, rolled: new Map(files.map((path) => [path, contentOf(fs, path)])) }
}

function contentOf(fs: SimFs, path: string): string {
  return text.decode(fs.peek(path) ?? new Uint8Array(0))
}

function checkLines(output: Output): void {
  for (const [path, content] of output.rolled) {
    promised(
      content.endsWith('\n'),
      () => `${path} is torn: it ends in ${JSON.stringify(content.slice(-40))}`,
    )
  }
  checkExpected('live', [...output.live.values()].flatMap(linesOf), live)
  checkExpected('rolled', [...output.rolled.values()].flatMap(linesOf), rolled)
  // Numbered files of one subtask form one sequence; each growing file is a sequence of its own.
  for (const content of output.live.values()) checkOrder(linesOf(content))
  for (const row of rowsOf(output.rolled).values()) checkOrder(row)
}

function checkExpected(name: string, lines: readonly string[], expected: readonly string[]): void {
  const allowed = new Set(expected)
  for (const line of lines) {
    promised(allowed.delete(line), () =>
      expected.includes(line)
        ? `${name}: a line is duplicated: ${line}`
        : `${name}: a wrong line is visible: ${JSON.stringify(line)}`,
    )
  }
}

function rowsOf(files: Output['rolled']): ReadonlyMap<string, readonly string[]> {
  const rows = new Map<string, string[]>()
  for (const [path, content] of files) {
    const row = path.replace(/-\d+\.ndjson$/, '')
    rows.set(row, [...(rows.get(row) ?? []), ...linesOf(content)])
  }
  return rows
}

function checkOrder(lines: readonly string[]): void {
  const last = new Map<string, number>()
  for (const line of lines) {
    const { key, until } = JSON.parse(line) as OutputLine
    if (until === undefined) continue
    promised(until > (last.get(key) ?? 0), () => `a line is out of order within its key: ${line}`)
    last.set(key, until)
  }
}

function checkUnfinished(unfinished: string): void {
  promised(
    live.some((line) => line.startsWith(unfinished)),
    () => `live: the unfinished text is not the beginning of a line: ${unfinished}`,
  )
}

function checkGrowth(before: Output, now: Output): void {
  for (const [path, content] of before.live) {
    const present = now.live.get(path) ?? ''
    promised(present.startsWith(content), () => takenBack(path, content, present))
  }
  for (const [path, content] of before.rolled) {
    const present = now.rolled.get(path)
    promised(present === content, () => takenBack(path, content, present ?? ''))
  }
}

function takenBack(what: string, before: string, now: string): string {
  const lost = linesOf(before).find((line, index) => linesOf(now)[index] !== line)
  return `${what}: a visible line was removed: ${lost}`
}

function requireSame(what: string, found: readonly string[], expected: readonly string[]): void {
  const missing = expected.filter((line) => !found.includes(line))
  promised(missing.length === 0, () => `${what}: ${missing.length} are lost, first ${missing[0]}`)
  promised(found.length === expected.length, () => `${what}: ${found.length} instead of ${expected.length}`)
}

function linesOf(content: string): readonly string[] {
  const lines = content.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}
