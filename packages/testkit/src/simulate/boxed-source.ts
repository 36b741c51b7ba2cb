import type { Poll, Source, SplitReader } from '@millrace/core'
import { boxed } from './box.ts'

/** The user's own source, with its records in boxes: a line for each split. `brought` is told how many come. */
export function boxedSource(
  source: Source<unknown>,
  name: string,
  brought: (records: number) => void,
): Source<unknown> {
  return {
    kind: source.kind,
    durability: source.durability,
    ...(source.discoverEveryMs === undefined ? {} : { discoverEveryMs: source.discoverEveryMs }),
    discover: (context) => source.discover(context),
    open: async (split, from, context) =>
      boxedReader(await source.open(split, from, context), `${name}, split ${split}`, brought),
    close: async () => source.close?.(),
  }
}

function boxedReader(
  reader: SplitReader<unknown>,
  line: string,
  brought: (records: number) => void,
): SplitReader<unknown> {
  return {
    poll(limit): Poll<unknown> {
      const poll = reader.poll(limit)
      if (poll.kind !== 'records') return poll
      brought(poll.values.length + (poll.failures?.length ?? 0))
      return { ...poll, values: poll.values.map((value) => boxed(line, value)) }
    },
    ready: () => reader.ready(),
    position: () => reader.position(),
    acknowledge: async (position) => reader.acknowledge?.(position),
    close: () => reader.close(),
  }
}
