/** Queries that bring auctions together with bids or persons. */
import { connect, output, state, type TimedStream } from '@millrace/flow'
import { isAuction, isBid, isPerson, type Auction, type Bid, type NexmarkEvent } from '../events.ts'
import type { Queries } from './query.ts'

/** A bid is higher than every valid one before it. */
interface Winning {
  readonly auction: Auction
  readonly bid: Bid
  /** The bid that was the highest one until now. */
  readonly before: Bid | undefined
}

/** For each auction the highest bid made while it was open, each time it changes. */
function winningBids(events: TimedStream<NexmarkEvent>): TimedStream<Winning> {
  return connect(
    events.filter(isAuction).keyBy(({ id }) => id),
    events.filter(isBid).keyBy(({ auction }) => auction),
  ).process('winning-bids', {
    output: output<Winning>(),
    state: { auction: state.value<Auction>(), early: state.list<Bid>(), best: state.value<Bid>() },
    onLeft({ value: auction }, { state: { auction: open, early, best }, timers, emit }) {
      open.set(auction)
      let before: Bid | undefined
      for (const bid of early.get()) {
        if (!wins(bid, auction, before)) continue
        emit({ auction, bid, before })
        before = bid
      }
      if (before !== undefined) best.set(before)
      early.clear()
      timers.setEvent(auction.expires + 1)
    },
    onRight({ value: bid }, { state: { auction: open, early, best }, timers, emit }) {
      const auction = open.get()
      if (auction === undefined) {
        early.add(bid)
        timers.setEvent(bid.dateTime + 1)
        return
      }
      const before = best.get()
      if (!wins(bid, auction, before)) return
      best.set(bid)
      emit({ auction, bid, before })
    },
    // No bid in time for this auction can follow, or no auction in time for these bids.
    onTimer({ time }, { state: { auction, early, best } }) {
      const expires = auction.get()?.expires
      if (expires === undefined) {
        early.set(early.get().filter(({ dateTime }) => dateTime >= time))
      } else if (expires < time) {
        auction.clear()
        best.clear()
      }
    },
  })
}

function wins(bid: Bid, auction: Auction, best: Bid | undefined): boolean {
  if (bid.dateTime < auction.dateTime || bid.dateTime > auction.expires) return false
  if (best === undefined || bid.price !== best.price) return best === undefined || bid.price > best.price
  return bid.dateTime < best.dateTime
}

export const joins: Queries = {
  q3: {
    asks: 'the sellers of a category who live in some states',
    columns: ['name', 'city', 'state', 'auction'],
    flink: 219_000,
    build: (events) =>
      connect(
        events
          .filter(isAuction)
          .filter(({ category }) => category === 10)
          .map(({ id, seller }) => ({ id, seller }))
          .keyBy(({ seller }) => seller),
        events
          .filter(isPerson)
          .filter((person) => ['OR', 'ID', 'CA'].includes(person.state))
          .map(({ id, name, city, state: from }) => ({ id, name, city, state: from }))
          .keyBy(({ id }) => id),
      ).process('local-sellers', {
        output: output<{ name: string; city: string; state: string; auction: number }>(),
        state: {
          seller: state.value<{ name: string; city: string; state: string }>(),
          waiting: state.list<number>(),
        },
        onLeft({ value: { id } }, { state: { seller, waiting }, emit }) {
          const person = seller.get()
          if (person === undefined) waiting.add(id)
          else emit({ auction: id, ...person })
        },
        onRight({ value: { name, city, state: from } }, { state: { seller, waiting }, emit }) {
          const person = { name, city, state: from }
          seller.set(person)
          for (const auction of waiting.get()) emit({ auction, ...person })
          waiting.clear()
        },
      }),
  },
  q4: {
    asks: 'the average price of won auctions by category',
    columns: ['category', 'average'],
    key: ['category'],
    flink: 34_000,
    build: (events) =>
      winningBids(events)
        .keyBy(({ auction }) => auction.category)
        .scan(
          'average-price',
          () => ({ auctions: 0, total: 0 }),
          ({ auctions, total }, { bid, before }) => ({
            auctions: auctions + (before === undefined ? 1 : 0),
            total: total + bid.price - (before?.price ?? 0),
          }),
        )
        .map(({ key, value: { auctions, total } }) => ({
          category: key,
          average: Math.trunc(total / auctions),
        })),
  },
  q9: {
    asks: 'the winning bid of each auction',
    columns: [
      'id',
      'itemName',
      'description',
      'initialBid',
      'reserve',
      'dateTime',
      'expires',
      'seller',
      'category',
      'extra',
      'auction',
      'bidder',
      'price',
      'bidDateTime',
      'bidExtra',
    ],
    key: ['id'],
    flink: 14_000,
    build: (events) =>
      winningBids(events).map(({ auction, bid }) => ({
        auction: bid.auction,
        bidder: bid.bidder,
        price: bid.price,
        bidDateTime: bid.dateTime,
        bidExtra: bid.extra,
        ...auction,
      })),
  },
  q20: {
    asks: 'bids with their auction, of one category',
    columns: [
      'auction',
      'bidder',
      'price',
      'channel',
      'url',
      'bidDateTime',
      'bidExtra',
      'itemName',
      'description',
      'initialBid',
      'reserve',
      'dateTime',
      'expires',
      'seller',
      'category',
      'extra',
    ],
    flink: 19_000,
    build: (events) =>
      connect(
        events.filter(isAuction).keyBy(({ id }) => id),
        events.filter(isBid).keyBy(({ auction }) => auction),
      )
        .process('bids-with-auctions', {
          output: output<{ auction: Auction; bid: Bid }>(),
          state: { opened: state.value<Auction | 'other'>(), waiting: state.list<Bid>() },
          onLeft({ value: auction }, { state: { opened, waiting }, emit }) {
            const isWanted = auction.category === 10
            // Of an auction of another category it is enough to know that there is one.
            opened.set(isWanted ? auction : 'other')
            if (isWanted) for (const bid of waiting.get()) emit({ auction, bid })
            waiting.clear()
          },
          onRight({ value: bid }, { state: { opened, waiting }, emit }) {
            const auction = opened.get()
            if (auction === undefined) waiting.add(bid)
            else if (auction !== 'other') emit({ auction, bid })
          },
        })
        .map(({ auction, bid }) => ({
          auction: bid.auction,
          bidder: bid.bidder,
          price: bid.price,
          channel: bid.channel,
          url: bid.url,
          bidDateTime: bid.dateTime,
          bidExtra: bid.extra,
          itemName: auction.itemName,
          description: auction.description,
          initialBid: auction.initialBid,
          reserve: auction.reserve,
          dateTime: auction.dateTime,
          expires: auction.expires,
          seller: auction.seller,
          category: auction.category,
          extra: auction.extra,
        })),
  },
}
