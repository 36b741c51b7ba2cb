/** Queries that bring auctions together with bids or persons. */
import { connect, joinByForeignKey, mean, output, state, type TimedStream } from '@millrace/flow'
import { isAuction, isBid, isPerson, type Auction, type Bid, type NexmarkEvent } from '../events.ts'
import type { Queries } from './query.ts'

/** A bid made while its auction was open. */
interface Offer {
  readonly auction: Auction
  readonly bid: Bid
}

/** For each auction the highest valid bid, of equal ones the first: a table that changes with the bids. */
function winningBids(events: TimedStream<NexmarkEvent>) {
  return validBids(events)
    .keyBy(({ auction }) => auction.id)
    .topN('winning-bids', {
      n: 1,
      rank: true,
      order: ({ bid: a }, { bid: b }) => b.price - a.price || a.dateTime - b.dateTime,
    })
    .map(({ value }) => value)
}

/** Bids with their auctions. One of the two is kept only as long as the other may follow. */
function validBids(events: TimedStream<NexmarkEvent>): TimedStream<Offer> {
  return connect(
    events.filter(isAuction).keyBy(({ id }) => id),
    events.filter(isBid).keyBy(({ auction }) => auction),
  ).process('valid-bids', {
    output: output<Offer>(),
    state: { auction: state.value<Auction>(), early: state.list<Bid>() },
    onLeft({ value: auction }, { state: { auction: open, early }, timers, emit }) {
      open.set(auction)
      for (const bid of early.get()) if (isValid(bid, auction)) emit({ auction, bid })
      early.clear()
      timers.setEvent(auction.expires + 1)
    },
    onRight({ value: bid }, { state: { auction: open, early }, timers, emit }) {
      const auction = open.get()
      if (auction === undefined) {
        early.add(bid)
        timers.setEvent(bid.dateTime + 1)
      } else if (isValid(bid, auction)) emit({ auction, bid })
    },
    // No bid in time for this auction can follow, or no auction in time for these bids.
    onTimer({ time }, { state: { auction, early } }) {
      const expires = auction.get()?.expires
      if (expires === undefined) early.set(early.get().filter(({ dateTime }) => dateTime >= time))
      else if (expires < time) auction.clear()
    },
  })
}

const isValid = (bid: Bid, auction: Auction): boolean =>
  bid.dateTime >= auction.dateTime && bid.dateTime <= auction.expires

export const joins: Queries = {
  q3: {
    asks: 'the sellers of a category who live in some states',
    columns: ['name', 'city', 'state', 'auction'],
    flink: 219_000,
    build: (events) =>
      joinByForeignKey(
        events
          .filter(isAuction)
          .filter(({ category }) => category === 10)
          .map(({ id, seller }) => ({ id, seller }))
          .keyBy(({ id }) => id)
          .toTable('auctions'),
        events
          .filter(isPerson)
          .filter((person) => ['OR', 'ID', 'CA'].includes(person.state))
          .map(({ id, name, city, state: from }) => ({ id, name, city, state: from }))
          .keyBy(({ id }) => id)
          .toTable('persons'),
        ({ seller }) => seller,
      )
        .inner('local-sellers', ({ id }, { name, city, state: from }) => ({
          name,
          city,
          state: from,
          auction: id,
        }))
        .toStream()
        .map(({ value }) => value),
  },
  q4: {
    asks: 'the average price of won auctions by category',
    columns: ['category', 'average'],
    key: ['category'],
    flink: 34_000,
    build: (events) =>
      winningBids(events)
        .groupBy(({ auction }) => auction.category)
        .aggregate('average-price', { average: mean(({ bid }) => bid.price) })
        .toStream({ updateBefore: false })
        .map(({ key, value: { average } }) => ({ category: key, average: Math.trunc(average) })),
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
      winningBids(events)
        .toStream({ updateBefore: false })
        .map(({ value: { auction, bid } }) => ({
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
