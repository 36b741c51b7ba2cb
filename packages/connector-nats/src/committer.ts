import { describeError, isMillraceError, MillraceError } from '@millrace/core'
import type { ConnectorContext } from '@millrace/core/connector'
import { removeIfThere } from '@millrace/core/disk'
import { readBlockFile } from '@millrace/segment-log'
import type { NatsConnection } from '@nats-io/transport-node'
import type { ReadyMessage } from './outgoing.ts'
import { publishAll, publishedAtOnce, type NamedMessage } from './publish.ts'
import { findWritten, type Written } from './read-back.ts'
import { decodeMessage, type StagedMessages } from './staged-messages.ts'
import { stateOf } from './stream.ts'
import type { Link } from './options.ts'

/** What to do with messages of which the stream no longer shows whether they were written. */
export type IfForgotten = 'fail' | 'write' | 'skip'

/** After this time the right to write is confirmed again. */
const confirmAfterMs = 1_000

/**
 * Writes staged messages to the stream, each once, whatever happens.
 *
 * Their ids are made of the name of the file and their number, so the server drops what is sent twice within its window for
 * duplicates. Longer than that nothing is in doubt: over a connection that is new since the messages were staged, it first
 * looks which of them the stream has.
 */
export class Committer {
  readonly #what: string
  readonly #link: Link
  readonly #context: ConnectorContext
  readonly #ifForgotten: IfForgotten
  /** Over which nothing of what was staged last has been sent. */
  #untouched: NatsConnection | undefined
  #confirmedAt = -Infinity

  constructor(what: string, link: Link, context: ConnectorContext, ifForgotten: IfForgotten) {
    this.#what = what
    this.#link = link
    this.#context = context
    this.#ifForgotten = ifForgotten
  }

  /** Where the stream ends, before anything of what is staged now is sent. */
  begin(stream: string): Promise<Pick<StagedMessages, 'stream' | 'created' | 'after'>> {
    return this.#link.repeat(async (nc) => {
      const { created, last } = await stateOf(nc, this.#what, stream)
      this.#untouched = nc
      return { stream, created, after: last }
    })
  }

  /** Writes what is not in the stream yet, and removes the file. */
  async commit(staged: StagedMessages): Promise<void> {
    try {
      await this.#link.repeat((nc) => this.#commitOver(nc, staged))
    } catch (error) {
      if (isMillraceError(error)) throw error
      const message = `${this.#what}: messages cannot be written to stream ${staged.stream} on ${this.#link.address}: ${describeError(error)}`
      throw new MillraceError('SINK_FAILED', message, { cause: error })
    }
    await removeIfThere(this.#context.fs, this.#pathOf(staged))
  }

  async #commitOver(nc: NatsConnection, staged: StagedMessages): Promise<void> {
    const isUntouched = this.#untouched === nc
    this.#untouched = undefined
    const path = this.#pathOf(staged)
    const isThere = (await this.#context.fs.stat(path)) !== undefined
    let written: Written | undefined
    if (!isUntouched || !isThere) {
      await this.#confirm()
      written = await findWritten(nc, this.#link, this.#what, staged)
      if (written.isComplete) return
      // The file is removed only after all its messages were written.
      if (!isThere && written.isUncertain) return
      if (!isThere) throw missingFile(this.#what, path, staged)
      if (written.isUncertain && this.#ifForgotten === 'skip') return
      if (written.isUncertain && this.#ifForgotten === 'fail') throw this.#forgotten(path, staged)
    }
    await this.#write(nc, staged, written)
  }

  async #write(nc: NatsConnection, staged: StagedMessages, written: Written | undefined): Promise<void> {
    const { stream, file, bytes } = staged
    let number = 0
    let missing: NamedMessage[] = []
    const send = async (): Promise<void> => {
      const messages = missing
      missing = []
      if (this.#context.clock.monotonic() - this.#confirmedAt > confirmAfterMs) await this.#confirm()
      await publishAll({ nc, stream, link: this.#link }, messages)
      this.#link.works()
    }
    const blocks: AsyncIterable<readonly ReadyMessage[]> = readBlockFile(
      this.#context.fs,
      this.#pathOf(staged),
      bytes,
      decodeMessage,
    )
    for await (const block of blocks) {
      for (const message of block) {
        const id = `${file}-${number}`
        if (written?.has(number, message.subject) !== true) missing.push({ id, message })
        number++
        if (missing.length >= publishedAtOnce) await send()
      }
    }
    if (missing.length > 0) await send()
  }

  async #confirm(): Promise<void> {
    await this.#context.owner.confirm()
    this.#confirmedAt = this.#context.clock.monotonic()
  }

  #pathOf({ file }: StagedMessages): string {
    return `${this.#context.directory}/${file}`
  }

  #forgotten(path: string, { stream, checkpoint }: StagedMessages): MillraceError {
    const message =
      `${this.#what}: stream ${stream} on ${this.#link.address} does not show whether the messages of checkpoint ${checkpoint} were written: ` +
      `it has deleted newer ones since, or was made anew. They are in ${path}. Look whether they were written, and set ifForgotten to 'skip' if they were, or to 'write' if not`
    return new MillraceError('SINK_FAILED', message, { isFinal: true })
  }
}

function missingFile(what: string, path: string, { checkpoint, stream }: StagedMessages): MillraceError {
  const message = `${what}: the messages of checkpoint ${checkpoint} are not in ${path}, and stream ${stream} does not have them either; was a part of the data directory removed or not copied? Restore it, or start with another data directory`
  return new MillraceError('SINK_FAILED', message, { isFinal: true })
}
