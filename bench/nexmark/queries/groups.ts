/** Queries that keep a table up to date: every bid changes a row. */
import type { MapState } from '@millrace/core/operator'
import { output, state, type StateHandles } from '@millrace/flow'
import { isBid, type Bid } from '../events.ts'
import { dateOf, minuteOf, type Queries } from './query.ts'

/** The three ranks of prices: below 100.00, below 10,000.00, and above. */
const rankOf = (price: number): 1 | 2 | 3 => (price < 10_000 ? 1 : price < 1_000_000 ? 2 : 3)

/** What is counted for a day, or for a channel and day. Changed in place. */
interface Totals {
  /** Bids, bidders and auctions: of each how many there are in all and of each rank. */
  readonly counts: number[]
  /** The latest minute of a bid. */
  minute: string
}

/** Where the four counts begin. */
const at = { bids: 0, bidders: 4, auctions: 8 }

const noTotals = (): Totals => ({ counts: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], minute: '' })

const statistics = {
  totals: state.value<Totals>(),
  /** The ranks in which each bidder or auction was seen, a bit for each. */
  bidders: state.map<number, number>(),
  auctions: state.map<number, number>(),
}

/** Counts a bid, its bidder and its auction. */
function count({ bidder, auction, price, dateTime }: Bid, handles: StateHandles<typeof statistics>): Totals {
  const totals = handles.totals.get() ?? noTotals()
  const { counts } = totals
  const rank = rankOf(price)
  counts[at.bids]!++
  counts[at.bids + rank]!++
  countOnce(counts, at.bidders, rank, handles.bidders, bidder)
  countOnce(counts, at.auctions, rank, handles.auctions, auction)
  const minute = minuteOf(dateTime)
  if (minute > totals.minute) totals.minute = minute
  handles.totals.set(totals)
  return totals
}

/** Counts an id if it has not been counted, and in its rank if it has not been counted there. */
function countOnce(
  counts: number[],
  first: number,
  rank: 1 | 2 | 3,
  seen: MapState<number, number>,
  id: number,
): void {
  const ranks = seen.get(id) ?? 0
  if ((ranks & (1 << rank)) !== 0) return
  seen.set(id, ranks | (1 << rank))
  if (ranks === 0) counts[first]!++
  counts[first + rank]!++
}

function statisticsOf({ counts }: Totals) {
  return {
    bids: counts[0]!,
    bidsRank1: counts[1]!,
    bidsRank2: counts[2]!,
    bidsRank3: counts[3]!,
    bidders: counts[4]!,
    biddersRank1: counts[5]!,
    biddersRank2: counts[6]!,
    biddersRank3: counts[7]!,
    auctions: counts[8]!,
    auctionsRank1: counts[9]!,
    auctionsRank2: counts[10]!,
    auctionsRank3: counts[11]!,
  }
}

type Statistics = ReturnType<typeof statisticsOf>

const statisticColumns = ['bids', 'bidders', 'auctions'].flatMap((what) => [
  what,
  ...[1, 2, 3].map((rank) => `${what}Rank${rank}`),
])

/** How many there are in all and of each rank. */
type Counts = readonly [total: number, rank1: number, rank2: number, rank3: number]

const none: Counts = [0, 0, 0, 0]

function counted([total, rank1, rank2, rank3]: Counts, rank: 1 | 2 | 3): Counts {
  return [total + 1, rank1 + +(rank === 1), rank2 + +(rank === 2), rank3 + +(rank === 3)]
}

const bidColumns = ['auction', 'bidder', 'price', 'channel', 'url', 'dateTime', 'extra']

export const groups: Queries = {
  q15: {
    asks: 'bids, bidders and auctions of each day, by ranks of prices',
    columns: ['day', ...statisticColumns],
    key: ['day'],
    flink: 168_000,
    build: (events) =>
      events
        .filter(isBid)
        .keyBy(({ dateTime }) => dateOf(dateTime))
        .process('statistics', {
          output: output<Statistics & { day: string }>(),
          state: statistics,
          onRecord({ value, key }, { state: handles, emit }) {
            emit({ day: key, ...statisticsOf(count(value, handles)) })
          },
        }),
  },
  q16: {
    asks: 'bids, bidders and auctions of each channel and day, by ranks of prices',
    columns: ['channel', 'day', 'minute', ...statisticColumns],
    key: ['channel', 'day'],
    flink: 45_000,
    build: (events) =>
      events
        .filter(isBid)
        .keyBy(({ channel, dateTime }) => ({ channel, day: dateOf(dateTime) }))
        .process('statistics', {
          output: output<Statistics & { channel: string; day: string; minute: string }>(),
          state: statistics,
          onRecord({ value, key: { channel, day } }, { state: handles, emit }) {
            const totals = count(value, handles)
            emit({ channel, day, minute: totals.minute, ...statisticsOf(totals) })
          },
        }),
  },
  q17: {
    asks: 'counts, ranks and prices of the bids of each auction and day',
    columns: [
      'auction',
      'day',
      'bids',
      'bidsRank1',
      'bidsRank2',
      'bidsRank3',
      'lowest',
      'highest',
      'average',
      'total',
    ],
    key: ['auction', 'day'],
    flink: 161_000,
    build: (events) =>
      events
        .filter(isBid)
        .keyBy(({ auction, dateTime }) => ({ auction, day: dateOf(dateTime) }))
        .scan(
          'prices',
          () => ({ counts: none, lowest: Infinity, highest: 0, total: 0 }),
          ({ counts, lowest, highest, total }, { price }) => ({
            counts: counted(counts, rankOf(price)),
            lowest: Math.min(lowest, price),
            highest: Math.max(highest, price),
            total: total + price,
          }),
        )
        .map(({ key, value: { counts, lowest, highest, total } }) => ({
          auction: key.auction,
          day: key.day,
          bids: counts[0],
          bidsRank1: counts[1],
          bidsRank2: counts[2],
          bidsRank3: counts[3],
          lowest,
          highest,
          average: Math.trunc(total / counts[0]),
          total,
        })),
  },
  q18: {
    asks: 'the last bid of each bidder on each auction',
    columns: bidColumns,
    key: ['bidder', 'auction'],
    flink: 65_000,
    build: (events) =>
      events
        .filter(isBid)
        .keyBy(({ bidder, auction }) => ({ bidder, auction }))
        .toTable('last-bids')
        .toStream({ updateBefore: false })
        .map(({ value }) => ({ ...value })),
  },
  q19: {
    asks: 'the ten highest bids of each auction, with their ranks',
    columns: [...bidColumns, 'rank'],
    key: ['auction', 'rank'],
    flink: 63_000,
    build: (events) =>
      events
        .filter(isBid)
        .keyBy(({ auction }) => auction)
        // Of two equal prices the earlier one has the better rank.
        .topN('ten-highest', { n: 10, order: (a, b) => b.price - a.price, rank: true })
        .toStream({ updateBefore: false })
        .map(({ value: { rank, value: bid } }) => ({ rank, ...bid })),
  },
}
