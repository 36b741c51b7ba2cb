/**
 * The queries as SQL over the table `events`, which has all events in their order of arrival, `place`.
 *
 * Written from the definition of Nexmark, not from the queries of this folder. Each returns the columns of its
 * query in their order; what is left of every row when the whole input is known.
 */

const bids = `SELECT * FROM events WHERE kind = 'bid'`
const auctions = `SELECT * FROM events WHERE kind = 'auction'`
const persons = `SELECT * FROM events WHERE kind = 'person'`

/** The start of the span of so many milliseconds that a time is in. */
const floorTo = (time: string, size: number): string => `${time} - ${time} % ${size}`

const formatted = (time: string, format: string): string =>
  `strftime(make_timestamp(${time} * 1000), '${format}')`
const day = formatted('dateTime', '%Y-%m-%d')
const minute = formatted('dateTime', '%H:%M')

/** A count of rows or of different values, then those of each of the three ranks of prices. */
const byRank = (counted: string): string =>
  ['', 'price < 10000', 'price >= 10000 AND price < 1000000', 'price >= 1000000']
    .map((test) => `count(${counted})${test === '' ? '' : ` FILTER (WHERE ${test})`}`)
    .join(', ')

/** Every valid bid beside its auction; of each auction the best one has number 1. */
const offers = `
  SELECT a.*, b.auction AS bidAuction, b.bidder AS bidBidder, b.price AS bidPrice, b.dateTime AS bidTime,
    b.extra AS bidExtra,
    row_number() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.dateTime, b.place) AS number
  FROM (${auctions}) a JOIN (${bids}) b
  ON a.id = b.auction AND b.dateTime BETWEEN a.dateTime AND a.expires`

const channelId = `
  CASE lower(channel) WHEN 'apple' THEN '0' WHEN 'google' THEN '1' WHEN 'facebook' THEN '2' WHEN 'baidu' THEN '3'
    ELSE nullif(regexp_extract(url, '(&|^)channel_id=([^&]*)', 2), '') END`

/** Each bid with the end of each window of ten seconds, sliding by two, that it is in. */
const hops = `
  SELECT auction, dateTime - dateTime % 2000 + 2000 * hop AS windowEnd
  FROM (${bids}), (SELECT unnest([1, 2, 3, 4, 5]) AS hop)`

export const oracle: Readonly<Record<string, string>> = {
  q0: `SELECT auction, bidder, price, dateTime, extra FROM (${bids})`,
  q1: `SELECT auction, bidder, price * 908, dateTime, extra FROM (${bids})`,
  q2: `SELECT auction, price FROM (${bids}) WHERE auction % 123 = 0`,
  q3: `
    SELECT p.name, p.city, p.state, a.id FROM (${auctions}) a JOIN (${persons}) p ON a.seller = p.id
    WHERE a.category = 10 AND p.state IN ('OR', 'ID', 'CA')`,
  q4: `
    SELECT category, sum(bidPrice) // count(*) FROM (${offers}) WHERE number = 1 GROUP BY category`,
  q5: `
    WITH counts AS (SELECT auction, windowEnd, count(*) AS n FROM (${hops}) GROUP BY ALL),
      most AS (SELECT windowEnd, max(n) AS n FROM counts GROUP BY ALL)
    SELECT auction, n, windowEnd - 10000, windowEnd FROM counts JOIN most USING (windowEnd, n)`,
  q7: `
    WITH highest AS (
      SELECT ${floorTo('dateTime', 10_000)} AS start, max(price) AS price FROM (${bids}) GROUP BY ALL)
    SELECT b.auction, b.price, b.bidder, b.dateTime, b.extra FROM (${bids}) b JOIN highest h
    ON b.price = h.price AND b.dateTime >= h.start AND b.dateTime < h.start + 10000`,
  q8: `
    SELECT DISTINCT p.id, p.name, ${floorTo('p.dateTime', 10_000)} FROM (${persons}) p JOIN (${auctions}) a
    ON p.id = a.seller AND ${floorTo('p.dateTime', 10_000)} = ${floorTo('a.dateTime', 10_000)}`,
  q10: `SELECT auction, bidder, price, dateTime, extra, ${day}, ${minute} FROM (${bids})`,
  q11: `
    WITH gaps AS (
        SELECT bidder, dateTime,
          dateTime - lag(dateTime) OVER (PARTITION BY bidder ORDER BY dateTime, place) > 10000 AS isNew
        FROM (${bids})),
      sessions AS (
        SELECT bidder, dateTime,
          count(*) FILTER (WHERE isNew) OVER (
            PARTITION BY bidder ORDER BY dateTime RANGE UNBOUNDED PRECEDING) AS session
        FROM gaps)
    SELECT bidder, count(*), min(dateTime), max(dateTime) + 10000 FROM sessions GROUP BY bidder, session`,
  // Its windows depend on the clock, so only the totals can be compared.
  q12: `SELECT bidder, count(*) FROM (${bids}) GROUP BY bidder`,
  q13: `SELECT auction, bidder, price, dateTime, auction % 10000 FROM (${bids})`,
  q14: `
    SELECT auction, bidder, price * 908,
      CASE WHEN hour >= 8 AND hour <= 18 THEN 'dayTime' WHEN hour <= 6 OR hour >= 20 THEN 'nightTime'
        ELSE 'otherTime' END,
      dateTime, extra, length(extra) - length(replace(extra, 'c', ''))
    FROM (SELECT *, ${formatted('dateTime', '%H')}::INTEGER AS hour FROM (${bids}))
    WHERE price * 908 > 1000000000 AND price * 908 < 50000000000`,
  q15: `
    SELECT ${day} AS day, ${byRank('*')}, ${byRank('DISTINCT bidder')}, ${byRank('DISTINCT auction')}
    FROM (${bids}) GROUP BY day`,
  q16: `
    SELECT channel, ${day} AS day, max(${minute}),
      ${byRank('*')}, ${byRank('DISTINCT bidder')}, ${byRank('DISTINCT auction')}
    FROM (${bids}) GROUP BY channel, day`,
  q17: `
    SELECT auction, ${day} AS day, ${byRank('*')}, min(price), max(price), sum(price) // count(*), sum(price)
    FROM (${bids}) GROUP BY auction, day`,
  q18: `
    SELECT auction, bidder, price, channel, url, dateTime, extra FROM (${bids})
    QUALIFY row_number() OVER (PARTITION BY bidder, auction ORDER BY dateTime DESC, place DESC) = 1`,
  q19: `
    SELECT auction, bidder, price, channel, url, dateTime, extra,
      row_number() OVER (PARTITION BY auction ORDER BY price DESC, place) AS number
    FROM (${bids}) QUALIFY number <= 10`,
  q9: `
    SELECT id, itemName, description, initialBid, reserve, dateTime, expires, seller, category, extra,
      bidAuction, bidBidder, bidPrice, bidTime, bidExtra
    FROM (${offers}) WHERE number = 1`,
  q20: `
    SELECT b.auction, b.bidder, b.price, b.channel, b.url, b.dateTime, b.extra, a.itemName, a.description,
      a.initialBid, a.reserve, a.dateTime, a.expires, a.seller, a.category, a.extra
    FROM (${bids}) b JOIN (${auctions}) a ON b.auction = a.id WHERE a.category = 10`,
  q21: `
    SELECT auction, bidder, price, channel, ${channelId} AS channelId FROM (${bids}) WHERE channelId IS NOT NULL`,
  q22: `
    SELECT auction, bidder, price, channel, split_part(url, '/', 4), split_part(url, '/', 5), split_part(url, '/', 6)
    FROM (${bids})`,
}
