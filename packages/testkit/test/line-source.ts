import { sleep } from '@millrace/world'
import type { RecordHeaders } from '@millrace/core'
import {
  headerColumn,
  type ConnectorContext,
  type DecodeFailure,
  type Discovery,
  type HeaderColumn,
  type Poll,
  type Source,
  type SplitReader,
} from '@millrace/core/connector'
import type { FsFile } from '@millrace/core/disk'
import type { SimFs } from '../src/sim-fs.ts'
import type { SourceFeatures, SourceSubject } from '../src/conformance/source-life.ts'

/** All features: the line source has every feature of a source. */
export const features: SourceFeatures = {
  durability: 'replayable',
  ends: true,
  severalSplits: true,
  failures: true,
  grows: true,
  acknowledges: true,
}

const splits = new Map([
  ['a', ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine']],
  ['b', ['uno', 'due', 'tre', 'quattro']],
])

/** Lines of an even length have a header, also those that cannot be decoded. */
function headersOf(line: string): RecordHeaders | undefined {
  return line.length % 2 === 0 ? { line } : undefined
}

/** Returns a source in place of the given one. */
export type Bend = (source: Source<string, number>) => Source<string>

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const linesOf = (content: Uint8Array): string[] => new TextDecoder().decode(content).split('\n').slice(0, -1)

/** A source of lines in files; a line that begins with `!` cannot be decoded. `bend` can break the source. */
export async function linesIn(fs: SimFs, bend: Bend = (source) => source): Promise<SourceSubject<string>> {
  fs.put('in/a', '!first\none\ntwo\nthree\nfour\n!between\n!them\nfive\nsix\nseven\neight\nnine\n')
  fs.put('in/b', 'uno\ndue\ntre\nquattro\n!last\n')
  const column = (split: string): HeaderColumn => linesOf(fs.peek(`in/${split}`)!).map(headersOf)
  return {
    source: () => bend(new LineSource()),
    splits,
    failures: new Map([
      ['a', 3],
      ['b', 1],
    ]),
    headers: new Map(['a', 'b'].map((split) => [split, column(split)])),
    more: ['ten', 'eleven', 'twelve'],
    async append(split, records) {
      const file = await fs.open(`in/${split}`, 'append')
      await file.write(bytes(records.map((record) => `${record}\n`).join('')))
      await file.close()
    },
  }
}

/** The splits are the files in `in`, a position the number of lines read. */
class LineSource implements Source<string, number> {
  readonly kind = 'lines'
  readonly durability = 'replayable'
  readonly hasHeaders = true

  async discover(context: ConnectorContext): Promise<Discovery> {
    const entries = await context.fs.list('in')
    return { splits: entries.map(({ name }) => name), isComplete: true }
  }

  async open(split: string, from: number | undefined, context: ConnectorContext): Promise<LineReader> {
    return new LineReader(split, from ?? 0, await context.fs.open(`in/${split}`, 'read'), context)
  }
}

/** Reads all lines of one file at once. */
export class LineReader implements SplitReader<string, number> {
  readonly split: string
  readonly file: FsFile
  readonly context: ConnectorContext
  readonly #closing = new AbortController()
  #fetching: Promise<void> | undefined
  /** Lines that were read and not delivered; `next` is the number of the first. */
  fetched: string[] = []
  next: number
  hasLooked = false

  constructor(split: string, next: number, file: FsFile, context: ConnectorContext) {
    this.split = split
    this.next = next
    this.file = file
    this.context = context
  }

  poll(limit: number): Poll<string> {
    const lines = this.fetched.splice(0, limit)
    if (lines.length === 0 && this.hasLooked && this.context.isBounded) return { kind: 'end' }
    if (lines.length === 0) return { kind: 'pending', isCaughtUp: this.hasLooked }
    const first = this.next
    this.next += lines.length
    const values: string[] = []
    const failures: DecodeFailure[] = []
    for (const [index, line] of lines.entries()) {
      if (!line.startsWith('!')) values.push(line)
      else
        failures.push({
          index: values.length,
          error: new Error('bad'),
          raw: bytes(line),
          place: `line ${first + index}`,
          headers: headersOf(line),
        })
    }
    const origin = {
      source: this.context.name,
      split: this.split,
      place: (index: number) => `line ${first + index}`,
      raw: (index: number) => bytes(values[index]!),
    }
    return { kind: 'records', values, headers: headerColumn(values, headersOf), failures, origin }
  }

  async ready(): Promise<void> {
    const stopped = AbortSignal.any([this.context.signal, this.#closing.signal])
    while (this.fetched.length === 0 && !stopped.aborted) {
      const isFirstLook = !this.hasLooked
      this.#fetching = this.#fetch()
      await this.#fetching
      // To have caught up is news too.
      if (isFirstLook || this.context.isBounded) return
      if (this.fetched.length === 0) await sleep(this.context.clock, 100, stopped).catch(() => {})
    }
  }

  async #fetch(): Promise<void> {
    const content = new Uint8Array(await this.file.size())
    await this.file.read(content, 0)
    this.fetched = linesOf(content).slice(this.next)
    this.hasLooked = true
  }

  position(): number {
    return this.next
  }

  async acknowledge(_position: number): Promise<void> {}

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#fetching
    await this.file.close()
  }
}
