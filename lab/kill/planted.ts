import { sleep } from '@millrace/world'
import type { Json } from '@millrace/core'
import type { Sink, SinkWriter, Source, SplitReader } from '@millrace/core/connector'

/** Bugs that the kill test must detect, by the value of the pipeline's parameter `mistake`. */
export const planted = {
  /**
   * Reads at most `rate` records a second (0: no limit); with a planted bug, restarts at the wrong position.
   */
  source<T, P extends Json>(mistake: string, rate: number, source: Source<T, P>): Source<T, P> {
    return {
      ...bound(source),
      open: async (split, from, context) => {
        const reader = await source.open(split, from, context)
        const paced =
          rate === 0 ? reader : slowed(reader, rate, (ms) => sleep(context.clock, ms, context.signal))
        return mistake === 'position-behind' ? withPositionBehind(paced) : paced
      },
    }
  },

  /** With a planted bug, shows output that no checkpoint contains, or forgets prepared output at a crash. */
  sink<T, C extends Json>(mistake: string, sink: Sink<T, C>): Sink<T, C> {
    return {
      kind: sink.kind,
      guarantee: sink.guarantee,
      open: async (subtask, pending, context) => {
        const writer = await sink.open(subtask, mistake === 'pending-forgotten' ? [] : pending, context)
        return mistake === 'commit-early'
          ? withEarlyCommit(writer, () => sleep(context.clock, 100, context.signal))
          : writer
      },
    }
  },
}

function bound<T, P extends Json>(source: Source<T, P>): Omit<Source<T, P>, 'open'> {
  return {
    kind: source.kind,
    durability: source.durability,
    discover: (context) => source.discover(context),
    close: async () => source.close?.(),
  }
}

/** A hundred times a second, a hundredth of the rate, shared by four files. */
function slowed<T, P extends Json>(
  reader: SplitReader<T, P>,
  rate: number,
  pause: (ms: number) => Promise<void>,
): SplitReader<T, P> {
  let isRested = true
  return {
    poll: (limit) => {
      if (!isRested) return { kind: 'pending', isCaughtUp: false }
      const poll = reader.poll(Math.min(limit, Math.max(1, Math.round(rate / 400))))
      if (poll.kind === 'records') isRested = false
      return poll
    },
    ready: async () => {
      if (isRested) return reader.ready()
      await pause(10)
      isRested = true
    },
    position: () => reader.position(),
    close: () => reader.close(),
  }
}

/** The position of the poll before the last one. */
function withPositionBehind<T, P extends Json>(reader: SplitReader<T, P>): SplitReader<T, P> {
  let before = reader.position()
  return {
    poll: (limit) => {
      before = reader.position()
      return reader.poll(limit)
    },
    ready: () => reader.ready(),
    position: () => before,
    close: () => reader.close(),
  }
}

/** Commits at the barrier, before the checkpoint is durable. */
function withEarlyCommit<T, C extends Json>(
  writer: SinkWriter<T, C>,
  pause: () => Promise<void>,
): SinkWriter<T, C> {
  return {
    write: (batch, reject) => writer.write(batch, reject),
    prepare: async (checkpoint) => {
      const committable = await writer.prepare(checkpoint)
      if (committable !== undefined) await writer.commit?.(committable)
      await pause()
      return committable
    },
    commit: async (committable) => writer.commit?.(committable),
    close: () => writer.close(),
  }
}
