import { describeError, MillraceError } from '@millrace/core'
import type { Batch, ConnectorContext, RejectRecord, Sink, SinkWriter } from '@millrace/core/connector'
import { commitScript, packCommands, type RedisCommand } from './command-script.ts'
import { Connector, type Connection, type RedisOptions } from './connection.ts'

/** Work that is staged on the server and not visible yet. */
export interface StagedCommands {
  readonly [name: string]: string | number
  /** The beginning of every key that this sink has for itself. */
  readonly space: string
  /** Names the writer that staged them. */
  readonly writer: string
  readonly subtask: number
  readonly checkpoint: number
  /** The number of the first chunk, and how many there are. */
  readonly first: number
  readonly chunks: number
}

/** Bytes of commands in one chunk, about: a chunk is committed by one script, which holds up the server meanwhile. */
const chunkBytes = 256 * 1024
const chunkCommands = 1_000

/**
 * Runs commands on a Redis server, exactly once.
 *
 * Commands are staged on the server in chunks, and run when their checkpoint is durable: one script runs the commands of a
 * chunk and notes in the same step that it has, so a script that is sent twice does nothing the second time.
 */
export class CommandSink<T> implements Sink<T, StagedCommands> {
  readonly kind = 'redis'
  readonly guarantee = 'exactly-once'
  readonly reconnects = true
  readonly #target: string
  readonly #commandsOf: (value: T) => readonly RedisCommand[]
  readonly #connector: Connector

  /** `target` is a key that the commands write to; the sink's own keys are in the same hash slot. */
  constructor(target: string, commandsOf: (value: T) => readonly RedisCommand[], options: RedisOptions) {
    this.#target = target
    this.#commandsOf = commandsOf
    this.#connector = new Connector(options)
  }

  async check(_pending: readonly StagedCommands[], context: ConnectorContext): Promise<void> {
    const connection = await this.#connector.connect(`sink ${context.name}`, context)
    connection.close()
  }

  async open(
    subtask: number,
    pending: readonly StagedCommands[],
    context: ConnectorContext,
  ): Promise<SinkWriter<T, StagedCommands>> {
    const what = `sink ${context.name}`
    const connection = await this.#connector.connect(what, context)
    const { owner, random } = context
    const writer = new CommandWriter(what, connection, this.#commandsOf, {
      space: `millrace:{${this.#target}}:${owner.job}:${context.name}`,
      writer: `${owner.epoch}-${random.int(2 ** 48).toString(36)}`,
      subtask,
    })
    try {
      if (subtask === 0) {
        for (const staged of pending) await writer.commit(staged)
        await writer.discard()
      }
      return writer
    } catch (error) {
      connection.close()
      throw error
    }
  }
}

class CommandWriter<T> implements SinkWriter<T, StagedCommands> {
  readonly #what: string
  readonly #connection: Connection
  readonly #commandsOf: (value: T) => readonly RedisCommand[]
  readonly #who: Pick<StagedCommands, 'space' | 'writer' | 'subtask'>
  #commands: RedisCommand[] = []
  #bytes = 0
  #bytesWritten = 0
  /** The number of the next chunk, and of the first since the last checkpoint. */
  #next = 0
  #first = 0

  constructor(
    what: string,
    connection: Connection,
    commandsOf: (value: T) => readonly RedisCommand[],
    who: Pick<StagedCommands, 'space' | 'writer' | 'subtask'>,
  ) {
    this.#what = what
    this.#connection = connection
    this.#commandsOf = commandsOf
    this.#who = who
  }

  /** Commands as they are staged on the server. */
  get bytesWritten(): number {
    return this.#bytesWritten
  }

  async write(batch: Batch<T>, reject: RejectRecord): Promise<void> {
    for (let index = 0; index < batch.length; index++) {
      try {
        const commands = this.#commandsOf(batch.values[index]!)
        for (const command of commands) requireText(command)
        for (const command of commands) this.#add(command)
      } catch (error) {
        reject(index, error)
      }
      if (this.#bytes >= chunkBytes || this.#commands.length >= chunkCommands) await this.#stage()
    }
  }

  async prepare(checkpoint: number): Promise<StagedCommands | undefined> {
    await this.#stage()
    const first = this.#first
    this.#first = this.#next
    const chunks = this.#next - first
    return chunks === 0 ? undefined : { ...this.#who, checkpoint, first, chunks }
  }

  /** Idempotent: the server notes which chunks it has committed. */
  async commit(staged: StagedCommands): Promise<void> {
    const { client, server } = this.#connection
    const { space, subtask, checkpoint, first, chunks } = staged
    const keys: string[] = []
    for (let chunk = 0; chunk < chunks; chunk++) {
      const key = chunkKey(staged, first + chunk)
      keys.push(key)
      const done = await this.#run(key, `${space}:committed`, subtask, checkpoint, chunk)
      if (done === -1) {
        throw new MillraceError(
          'SINK_FAILED',
          `${this.#what}: what checkpoint ${checkpoint} has staged is not on ${server} (${key}); was the server emptied, or replaced by another one? Restore it, or start with another data directory`,
          { isFinal: true },
        )
      }
    }
    await this.#attributed(client.srem(listKey(space), ...keys))
  }

  /** Removes what was staged and is named by no checkpoint. */
  async discard(): Promise<void> {
    const { client } = this.#connection
    const list = listKey(this.#who.space)
    const keys = await this.#attributed(client.smembers(list))
    if (keys.length === 0) return
    await this.#attributed(client.unlink(...keys))
    await this.#attributed(client.srem(list, ...keys))
  }

  close(): Promise<void> {
    this.#connection.close()
    return Promise.resolve()
  }

  async #run(chunk: string, fence: string, ...numbers: readonly number[]): Promise<number> {
    try {
      return Number(await this.#connection.client.eval(commitScript, 2, chunk, fence, ...numbers))
    } catch (error) {
      const message = `${this.#what}: the commands of ${chunk} failed: ${describeError(error)}`
      throw new MillraceError('SINK_FAILED', message, { cause: error })
    }
  }

  #add(command: RedisCommand): void {
    this.#commands.push(command)
    for (const argument of command) this.#bytes += argument.length
  }

  /** Stores the commands on the server, invisible to readers. Sent twice, it changes nothing. */
  async #stage(): Promise<void> {
    if (this.#commands.length === 0) return
    const { client } = this.#connection
    const key = chunkKey(this.#who, this.#next)
    const chunk = packCommands(this.#commands)
    this.#bytesWritten += chunk.length
    this.#commands = []
    this.#bytes = 0
    this.#next++
    // What is listed is found again and removed if no checkpoint names it.
    await this.#attributed(client.sadd(listKey(this.#who.space), key))
    await this.#attributed(client.set(key, chunk))
  }

  /** Says of a command that the server refuses, as it does without memory, whose it is. */
  async #attributed<R>(answer: Promise<R>): Promise<R> {
    try {
      return await answer
    } catch (error) {
      const message = `${this.#what}: Redis on ${this.#connection.server}: ${describeError(error)}`
      throw new MillraceError('SINK_FAILED', message, { cause: error })
    }
  }
}

function chunkKey(
  { space, writer, subtask }: Pick<StagedCommands, 'space' | 'writer' | 'subtask'>,
  chunk: number,
): string {
  return `${space}:staged:${writer}:${subtask}:${chunk}`
}

function listKey(space: string): string {
  return `${space}:staged`
}

function requireText(command: RedisCommand): void {
  for (const argument of command) {
    if (typeof argument === 'string' || argument instanceof Uint8Array) continue
    const message = `an argument of the command ${String(command[0])} is ${typeof argument}; give text or bytes`
    throw new MillraceError('CODEC_FAILED', message)
  }
}
