/** Queries that look at one bid at a time. */
import { isBid } from '../events.ts'
import { dateOf, minuteOf, type Queries } from './query.ts'

/** Price times 0.908, in thousandths, so that it is a whole number. */
const inEuro = (price: number): number => price * 908

function partOfDay(time: number): string {
  const hour = new Date(time).getUTCHours()
  if (hour >= 8 && hour <= 18) return 'dayTime'
  return hour <= 6 || hour >= 20 ? 'nightTime' : 'otherTime'
}

const countOf = (text: string, letter: string): number => text.split(letter).length - 1

const knownChannels = new Map([
  ['apple', '0'],
  ['google', '1'],
  ['facebook', '2'],
  ['baidu', '3'],
])

function channelIdOf(channel: string, url: string): string | undefined {
  return knownChannels.get(channel.toLowerCase()) ?? /(?:&|^)channel_id=([^&]*)/.exec(url)?.[1]
}

/** The side table of q13. */
const sideTable = new Map(Array.from({ length: 10_000 }, (_, key) => [key, String(key)]))

export const stateless: Queries = {
  q0: {
    asks: 'bids, unchanged',
    columns: ['auction', 'bidder', 'price', 'dateTime', 'extra'],
    flink: 378_000,
    build: (events) =>
      events
        .filter(isBid)
        .map(({ auction, bidder, price, dateTime, extra }) => ({ auction, bidder, price, dateTime, extra })),
  },
  q1: {
    asks: 'bids with their price in another currency',
    columns: ['auction', 'bidder', 'price', 'dateTime', 'extra'],
    flink: 395_000,
    build: (events) =>
      events.filter(isBid).map(({ auction, bidder, price, dateTime, extra }) => ({
        auction,
        bidder,
        price: inEuro(price),
        dateTime,
        extra,
      })),
  },
  q2: {
    asks: 'bids on some of the auctions',
    columns: ['auction', 'price'],
    flink: 414_000,
    build: (events) =>
      events
        .filter(isBid)
        .filter(({ auction }) => auction % 123 === 0)
        .map(({ auction, price }) => ({ auction, price })),
  },
  q10: {
    asks: 'bids with date and minute, by which files would be partitioned',
    columns: ['auction', 'bidder', 'price', 'dateTime', 'extra', 'date', 'minute'],
    flink: 133_000,
    build: (events) =>
      events.filter(isBid).map(({ auction, bidder, price, dateTime, extra }) => ({
        auction,
        bidder,
        price,
        dateTime,
        extra,
        date: dateOf(dateTime),
        minute: minuteOf(dateTime),
      })),
  },
  q13: {
    asks: 'bids with a value from a side table',
    columns: ['auction', 'bidder', 'price', 'dateTime', 'value'],
    flink: 188_000,
    build: (events) =>
      events.filter(isBid).map(({ auction, bidder, price, dateTime }) => ({
        auction,
        bidder,
        price,
        dateTime,
        value: sideTable.get(auction % 10_000) ?? '',
      })),
  },
  q14: {
    asks: 'bids of some prices, with the part of the day and a count of letters',
    columns: ['auction', 'bidder', 'price', 'partOfDay', 'dateTime', 'extra', 'letters'],
    flink: 259_000,
    build: (events) =>
      events
        .filter(isBid)
        .filter(({ price }) => inEuro(price) > 1e9 && inEuro(price) < 5e10)
        .map(({ auction, bidder, price, dateTime, extra }) => ({
          auction,
          bidder,
          price: inEuro(price),
          partOfDay: partOfDay(dateTime),
          dateTime,
          extra,
          letters: countOf(extra, 'c'),
        })),
  },
  q21: {
    asks: 'bids with the id of their channel',
    columns: ['auction', 'bidder', 'price', 'channel', 'channelId'],
    flink: 147_000,
    build: (events) =>
      events.filter(isBid).flatMap(({ auction, bidder, price, channel, url }) => {
        const channelId = channelIdOf(channel, url)
        return channelId === undefined ? [] : [{ auction, bidder, price, channel, channelId }]
      }),
  },
  q22: {
    asks: 'bids with the folders of their page',
    columns: ['auction', 'bidder', 'price', 'channel', 'folder1', 'folder2', 'folder3'],
    flink: 211_000,
    build: (events) =>
      events.filter(isBid).map(({ auction, bidder, price, channel, url }) => {
        const [, , , folder1 = '', folder2 = '', folder3 = ''] = url.split('/')
        return { auction, bidder, price, channel, folder1, folder2, folder3 }
      }),
  },
}
