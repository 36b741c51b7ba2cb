import { MillraceError } from '@millrace/core'
import type { Poll, Source, SplitReader } from '@millrace/core/connector'
import { boxed } from './box.ts'

/** The number of times in a row that a reader may be ready without records while nothing else can happen. */
const idlePollsMax = 10_000

/** Callbacks about a source. */
interface Surroundings {
  /** Called with the number of records of each poll. */
  readonly brought: (records: number) => void
  /** The number of steps that the world has taken. */
  readonly steps: () => number
}

/** Wraps the user's source: boxes its records, with one line per split. */
export function boxedSource(source: Source<unknown>, name: string, around: Surroundings): Source<unknown> {
  return {
    kind: source.kind,
    durability: source.durability,
    ...(source.positionVersion !== undefined && { positionVersion: source.positionVersion }),
    ...(source.discoverEveryMs !== undefined && { discoverEveryMs: source.discoverEveryMs }),
    ...(source.maxOpenReaders !== undefined && { maxOpenReaders: source.maxOpenReaders }),
    ...(source.needsMainThread !== undefined && { needsMainThread: source.needsMainThread }),
    ...(source.changed && { changed: (splits, context) => source.changed!(splits, context) }),
    ...(source.gone && { gone: (splits, context) => source.gone!(splits, context) }),
    ...(source.splitLabel && { splitLabel: (split) => source.splitLabel!(split) }),
    discover: (context) => source.discover(context),
    open: async (split, from, context) =>
      boxedReader(await source.open(split, from, context), `${name}, split ${split}`, around),
    close: async () => source.close?.(),
  }
}

function boxedReader(
  reader: SplitReader<unknown>,
  line: string,
  { brought, steps }: Surroundings,
): SplitReader<unknown> {
  let idleSince = -1
  let idlePolls = 0
  const noteIdle = (): void => {
    if (idleSince !== steps()) idlePolls = 0
    idleSince = steps()
    if (++idlePolls < idlePollsMax) return
    throw new MillraceError(
      'SOURCE_FAILED',
      `the stand-in for source '${line}' was ready ${idlePollsMax} times on end and brought nothing, so nothing else in the simulation could happen; let 'ready' wait until there is something, or let 'poll' return an end`,
    )
  }
  return {
    mustStayOpen: reader.mustStayOpen === true,
    poll(limit): Poll<unknown> {
      const poll = reader.poll(limit)
      if (poll.kind === 'pending') noteIdle()
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
