import { files } from '@millrace/connector-files'
import { count, max, sliding, tumbling, type SourceStream } from '@millrace/flow'
import type { Bid } from './ndjson-bids.ts'

/** A job over bids that is measured against the same job by others. */
export interface BidJob {
  /** What it does, for a table. */
  readonly title: string
  /** How many auctions there are. */
  readonly keys: number
  /** Adds the job to a pipeline. It writes NDJSON to `out`. */
  readonly build: (bids: SourceStream<Bid>, out: string) => void
}

/** The name of a job, the same in every program that does it. */
export type BidJobName = 'stateless' | 'tumbling' | 'sliding' | 'running' | 'total'

/** Five jobs from bids to NDJSON, as a user of Millrace writes them. */
export const bidJobs: Readonly<Record<BidJobName, BidJob>> = {
  stateless: {
    title: 'stateless: filter and map',
    keys: 10_000,
    build: (stream, out) => {
      stream
        .filter((bid) => bid.auction % 2 === 0)
        .map((bid) => ({ auction: bid.auction, price: bid.price * 2, bidder: bid.bidder }))
        .to('out', files.writeNdjson(out))
    },
  },
  tumbling: {
    title: 'tumbling 10 s, 10 k keys',
    keys: 10_000,
    build: (stream, out) => {
      stream
        .withTimestamps({ timestamp: (bid) => bid.dateTime })
        .keyBy((bid) => bid.auction)
        .window(tumbling('10s'))
        .aggregate('counts', { bids: count(), highest: max((bid) => bid.price) })
        .map(({ key, window, bids: n, highest }) => ({ auction: key, start: window.start, bids: n, highest }))
        .to('out', files.writeNdjson(out))
    },
  },
  sliding: {
    title: 'sliding 10 s every 1 s, 100 keys',
    keys: 100,
    build: (stream, out) => {
      stream
        .withTimestamps({ timestamp: (bid) => bid.dateTime })
        .keyBy((bid) => bid.auction)
        .window(sliding({ size: '10s', slide: '1s' }))
        .aggregate('counts', { bids: count() })
        .map(({ key, window, bids: n }) => ({ auction: key, start: window.start, bids: n }))
        .to('out', files.writeNdjson(out))
    },
  },
  running: {
    title: 'running count and max, one line for each bid',
    keys: 10_000,
    build: (stream, out) => {
      stream
        .keyBy((bid) => bid.auction)
        .scan(
          'running',
          () => ({ bids: 0, highest: 0 }),
          ({ bids: n, highest }, { price }) => ({ bids: n + 1, highest: Math.max(highest, price) }),
        )
        .map(({ key, value }) => ({ auction: key, ...value }))
        .to('out', files.writeNdjson(out))
    },
  },
  total: {
    title: 'tumbling 1 day, 1 M keys',
    keys: 1_000_000,
    build: (stream, out) => {
      stream
        .withTimestamps({ timestamp: (bid) => bid.dateTime })
        .keyBy((bid) => bid.auction)
        .window(tumbling('1d'))
        .aggregate('counts', { bids: count() })
        .map(({ key, bids: n }) => ({ auction: key, bids: n }))
        .to('out', files.writeNdjson(out))
    },
  },
}
