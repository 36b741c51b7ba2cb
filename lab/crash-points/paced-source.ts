import { sleep } from '@millrace/world'
import type { Clock } from '@millrace/world'
import type { Json } from '@millrace/core'
import type { Source, SplitReader } from '@millrace/core/connector'

/**
 * A source whose records arrive a few each millisecond, independent of readers, so that checkpoints fall between records:
 * some when nothing is there to read, and some when much is, because the job was busy.
 */
export function pacedSource<T, P extends Json>(source: Source<T, P>, recordsPerMs: number): Source<T, P> {
  return {
    kind: source.kind,
    durability: source.durability,
    discover: (context) => source.discover(context),
    open: async (split, from, context) => {
      const reader = await source.open(split, from, context)
      return paced(reader, recordsPerMs, context)
    },
  }
}

function paced<T, P extends Json>(
  reader: SplitReader<T, P>,
  recordsPerMs: number,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): SplitReader<T, P> {
  const openedAt = clock.monotonic()
  let taken = 0
  const waiting = (): number => (clock.monotonic() - openedAt + 1) * recordsPerMs - taken
  return {
    poll: (limit) => {
      if (waiting() <= 0) return { kind: 'pending', isCaughtUp: false }
      const poll = reader.poll(Math.min(limit, recordsPerMs))
      if (poll.kind === 'records') taken += poll.values.length
      return poll
    },
    ready: () => (waiting() > 0 ? reader.ready() : sleep(clock, 1, signal)),
    position: () => reader.position(),
    close: () => reader.close(),
  }
}
