import { isMillraceError, MillraceError } from '@millrace/core'
import { makeDurableDirectory, publishFile, readWhole } from '@millrace/core/disk'
import type { ConnectorContext } from '@millrace/core/connector'
import type { ReadableCluster } from './cluster.ts'
import { invalid } from './options.ts'
import { partitionOf, splitOf, type TopicPartition } from './record.ts'

/**
 * Where to begin without a checkpoint: the oldest records, only records written from now on, the first record with this time
 * or a later one, or offsets by partition (`{ 'orders-0': 1200 }`; the oldest records of the others).
 */
export type StartAt =
  | 'earliest'
  | 'latest'
  | { readonly time: number | Date }
  | { readonly offsets: Readonly<Record<string, number>> }

const fileName = 'start.json'

/** What the file has: the start that it is about, and the offset of each partition. */
interface KeptStart {
  readonly from: 'latest' | number
  readonly offsets: Readonly<Record<string, number>>
}

/** `latest`, or the time. */
function markOf(from: StartAt): KeptStart['from'] {
  return typeof from === 'object' && 'time' in from ? Number(from.time) : 'latest'
}

/** Throws `OPTION_INVALID` for a start that cannot be meant. */
export function checkStart(what: string, from: unknown): void {
  if (from === undefined || from === 'earliest' || from === 'latest') return
  if (typeof from === 'object' && from !== null) {
    if ('time' in from && Number.isFinite(Number(from.time))) return
    if ('offsets' in from && typeof from.offsets === 'object' && from.offsets !== null) {
      const entries = Object.entries(from.offsets)
      const isOffset = (offset: unknown): boolean => Number.isSafeInteger(offset) && Number(offset) >= 0
      if (entries.every(([split, offset]) => partitionOf(split) !== undefined && isOffset(offset))) return
    }
  }
  throw invalid(what, "from is none of 'earliest', 'latest', { time }, { offsets: { 'topic-0': 1200 } }")
}

/**
 * The offsets at which a job begins to read partitions for the first time.
 *
 * `latest` and a time mean one moment: that of the first start. So their offsets are kept in a file, until the program says
 * another start. A partition that is not in it was added later, and is read from its beginning.
 */
export class Starts {
  readonly #from: StartAt
  #kept: Promise<ReadonlyMap<string, number>> | undefined

  constructor(from: StartAt) {
    this.#from = from
  }

  /** `partitions` lists what is there now. Undefined: from the oldest record on. */
  async of(
    split: string,
    partitions: () => Promise<readonly TopicPartition[]>,
    cluster: ReadableCluster,
    context: ConnectorContext,
  ): Promise<number | undefined> {
    const from = this.#from
    if (from === 'earliest') return undefined
    if (typeof from === 'object' && 'offsets' in from) return from.offsets[split]
    return (await this.keep(partitions, cluster, context)).get(split)
  }

  /** Finds and keeps the offsets, if that was not done before. */
  keep(
    partitions: () => Promise<readonly TopicPartition[]>,
    cluster: ReadableCluster,
    context: ConnectorContext,
  ): Promise<ReadonlyMap<string, number>> {
    const from = this.#from
    if (from === 'earliest' || (typeof from === 'object' && 'offsets' in from))
      return Promise.resolve(new Map())
    this.#kept ??= this.#load(context).then(async (kept) => {
      if (kept !== undefined) return kept
      const offsets = new Map<string, number>()
      for (const of of await partitions()) {
        const offset =
          from === 'latest' ? (await cluster.range(of)).end : await cluster.offsetAt(of, Number(from.time))
        offsets.set(splitOf(of), offset)
      }
      const start: KeptStart = { from: markOf(from), offsets: Object.fromEntries(offsets) }
      const bytes = new TextEncoder().encode(JSON.stringify(start))
      await makeDurableDirectory(context.fs, context.directory)
      await publishFile(context.fs, context.directory, fileName, bytes, context.owner)
      return offsets
    })
    this.#kept.catch(() => (this.#kept = undefined))
    return this.#kept
  }

  /** The offsets of this start; undefined if none are kept. */
  async #load({ fs, directory, name }: ConnectorContext): Promise<ReadonlyMap<string, number> | undefined> {
    const path = `${directory}/${fileName}`
    try {
      const text = new TextDecoder().decode(await readWhole(fs, path))
      const { from, offsets } = JSON.parse(text) as KeptStart
      return from === markOf(this.#from) ? new Map(Object.entries(offsets)) : undefined
    } catch (error) {
      if (isMillraceError(error, 'FS_NOT_FOUND')) return undefined
      if (error instanceof SyntaxError) {
        const message = `source ${name}: ${path} is damaged: it says where reading began; restore it, or remove it to begin anew where there is no checkpoint`
        throw new MillraceError('CHECKPOINT_CORRUPT', message, { cause: error, place: path })
      }
      throw error
    }
  }
}
