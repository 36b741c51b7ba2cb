import { MillraceError, positiveDurationMs, requireKnown, type Duration } from '@millrace/core'
import type { ConnectorContext, Discovery, Source, SplitReader } from '@millrace/core/connector'
import { Connector, type Connection, type RedisOptions } from './connection.ts'
import { isId } from './entry-id.ts'
import { GroupReader, type GroupPosition } from './group-reader.ts'
import { stateOf, type EntryReading } from './stream.ts'

/** How streams are read as one of a consumer group. */
export interface ReceiveOptions extends RedisOptions {
  /** The consumer group. It is made if the stream has none of that name. */
  readonly group: string
  /**
   * Where a group that is made begins: `earliest`, `latest` (only entries added from now on), or the id after which it
   * begins. Default `earliest`.
   */
  readonly from?: 'earliest' | 'latest' | (string & {})
  /**
   * How many entries of each stream may be here and not acknowledged yet. They are acknowledged after the second checkpoint
   * that follows them, so it limits how many are read in that time. Default 10,000.
   */
  readonly prefetch?: number
  /**
   * Entries that another consumer of the group has had for this long without acknowledging them are taken from it: it is
   * gone. Longer than the others take for two checkpoints. Default `'10m'`.
   */
  readonly claimAfter?: Duration
}

const options = [
  'group',
  'from',
  'prefetch',
  'claimAfter',
  'url',
  'tls',
  'connectTimeout',
  'requestTimeout',
] as const

/** Each stream is a split. Entries are acknowledged once a checkpoint has their records. */
export class GroupSource<T, V extends string | Uint8Array> implements Source<T, GroupPosition> {
  readonly kind = 'redis-group'
  readonly durability = 'redelivering'
  readonly decode?: (raw: Uint8Array) => T
  readonly #streams: readonly string[]
  readonly #reading: EntryReading<T, V>
  readonly #options: Required<Pick<ReceiveOptions, 'group' | 'from' | 'prefetch'>>
  readonly #claimAfterMs: number
  readonly #connector: Connector

  /** `decodeRaw` decodes the bytes of a dead letter. Throws `OPTION_INVALID`. */
  constructor(
    streams: string | readonly string[],
    reading: EntryReading<T, V>,
    given: ReceiveOptions,
    decodeRaw?: (raw: Uint8Array) => T,
  ) {
    if (decodeRaw !== undefined) this.decode = decodeRaw
    requireKnown('a source of a consumer group', given, options)
    const { group, from = 'earliest', prefetch = 10_000, claimAfter = '10m' } = given
    this.#streams = typeof streams === 'string' ? [streams] : [...new Set(streams)]
    this.#reading = reading
    this.#options = { group, from, prefetch }
    this.#connector = new Connector(given)
    this.#claimAfterMs = positiveDurationMs(claimAfter, 'claimAfter')
    if (this.#streams.length === 0) throw invalid('no stream is named')
    if (typeof group !== 'string' || group === '') throw invalid('group is no name')
    if (from !== 'earliest' && from !== 'latest' && !isId(from)) {
      throw invalid(`from is ${String(from)}; write 'earliest', 'latest' or the id of an entry`)
    }
    if (!Number.isSafeInteger(prefetch) || prefetch < 1) {
      throw invalid(`prefetch is ${String(prefetch)}; give a whole number from 1`)
    }
  }

  discover(): Promise<Discovery> {
    return Promise.resolve({ splits: this.#streams, isComplete: true })
  }

  async open(
    stream: string,
    _from: GroupPosition | undefined,
    context: ConnectorContext,
  ): Promise<SplitReader<T, GroupPosition>> {
    const what = `source ${context.name}`
    const { group, from, prefetch } = this.#options
    const connection = await this.#connector.connect(what, context)
    try {
      await makeGroup(connection, stream, group, from)
      const { lastId } = await stateOf(connection, stream)
      return new GroupReader({
        what,
        stream,
        group,
        connection,
        context,
        prefetch,
        claimAfterMs: this.#claimAfterMs,
        end: context.isBounded ? lastId : undefined,
        reading: this.#reading,
      })
    } catch (error) {
      connection.close()
      if (error instanceof MillraceError) throw error
      const message = `${what}: group ${group} of stream ${stream} on ${connection.server} cannot be read`
      throw new MillraceError('SOURCE_FAILED', message, { cause: error })
    }
  }
}

async function makeGroup({ client }: Connection, stream: string, group: string, from: string): Promise<void> {
  const id = from === 'earliest' ? '0' : from === 'latest' ? '$' : from
  try {
    await client.xgroup('CREATE', stream, group, id, 'MKSTREAM')
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('BUSYGROUP'))) throw error
  }
}

function invalid(problem: string): MillraceError {
  return new MillraceError('OPTION_INVALID', `a source of a consumer group: ${problem}`)
}
