/** Queries with windows. */
import { aggregator, count, join, output, session, sliding, state, tumbling } from '@millrace/flow'
import { isAuction, isBid, isPerson, type Bid } from '../events.ts'
import type { Queries } from './query.ts'

/** Keeps the values for which `rank` is highest: all of them, if several are. */
function highest<T>(kind: string, rank: (value: T) => number) {
  return aggregator({
    kind,
    version: 1,
    create: (): readonly T[] => [],
    add: (best: readonly T[], value: T) => higher(best, [value], rank),
    merge: (a, b) => higher(a, b, rank),
    result: (best) => best,
  })
}

function higher<T>(a: readonly T[], b: readonly T[], rank: (value: T) => number): readonly T[] {
  if (a.length === 0 || b.length === 0) return a.length === 0 ? b : a
  const [first, second] = [rank(a[0]!), rank(b[0]!)]
  if (first === second) return [...a, ...b]
  return first > second ? a : b
}

/** How many bids an auction has in a window. */
type Popular = Readonly<Record<'auction' | 'bids' | 'start' | 'end', number>>

type HighBid = Omit<Bid, 'kind' | 'channel' | 'url'>

const ten = 10_000

export const windows: Queries = {
  q5: {
    asks: 'the auctions with the most bids of the last ten seconds, every two seconds',
    columns: ['auction', 'bids', 'start', 'end'],
    flink: 75_000,
    build: (events) =>
      events
        .filter(isBid)
        .keyBy(({ auction }) => auction)
        .window(sliding({ size: '10s', slide: '2s' }))
        .aggregate('bids-per-auction', { bids: count() })
        .map(({ key, window, bids }) => ({ auction: key, bids, ...window }))
        // Results have the time of the end of their window, so a window of two seconds has those of one.
        .keyBy(({ end }) => end)
        .window(tumbling('2s'))
        .aggregate('most-bids', { most: highest<Popular>('most-bids', ({ bids }) => bids) })
        .flatMap(({ most }) => most),
  },
  q7: {
    asks: 'the highest bids of every ten seconds',
    columns: ['auction', 'price', 'bidder', 'dateTime', 'extra'],
    flink: 23_000,
    build: (events) =>
      events
        .filter(isBid)
        .map(({ auction, price, bidder, dateTime, extra }) => ({ auction, price, bidder, dateTime, extra }))
        .keyBy(() => 'all')
        .window(tumbling('10s'))
        .aggregate('highest-bids', { bids: highest<HighBid>('highest-bids', ({ price }) => price) })
        .flatMap(({ bids }) => bids),
  },
  q8: {
    asks: 'the persons who registered and opened an auction in the same ten seconds',
    columns: ['id', 'name', 'start'],
    flink: 162_000,
    build: (events) =>
      join(
        events.filter(isPerson).keyBy(({ id }) => id),
        events.filter(isAuction).keyBy(({ seller }) => seller),
      )
        .window(tumbling('10s'))
        .semi('new-sellers')
        .map(({ id, name, dateTime }) => ({ id, name, start: dateTime - (dateTime % ten) })),
  },
  q11: {
    asks: 'the bids of each bidder in each session',
    columns: ['bidder', 'bids', 'start', 'end'],
    flink: 46_000,
    build: (events) =>
      events
        .filter(isBid)
        .keyBy(({ bidder }) => bidder)
        .window(session('10s'))
        .aggregate('bids-per-session', { bids: count() })
        .map(({ key, window, bids }) => ({ bidder: key, bids, ...window })),
  },
  q12: {
    asks: 'the bids of each bidder in ten seconds of the clock',
    columns: ['bidder', 'bids', 'start', 'end'],
    totals: ['bidder', 'bids'],
    flink: 194_000,
    build: (events) =>
      events
        .filter(isBid)
        .keyBy(({ bidder }) => bidder)
        .process('bids-per-ten-seconds', {
          output: output<{ bidder: number; bids: number; start: number; end: number }>(),
          state: { bids: state.value<number>() },
          onRecord(_, { state: { bids }, timers, now }) {
            const before = bids.get()
            if (before === undefined) timers.setProcessing((Math.floor(now() / ten) + 1) * ten)
            bids.set((before ?? 0) + 1)
          },
          onTimer({ key, time }, { state: { bids }, emit }) {
            emit({ bidder: key, bids: bids.get() ?? 0, start: time - ten, end: time })
            bids.clear()
          },
        }),
  },
}
