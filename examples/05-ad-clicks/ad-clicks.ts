/**
 * Which views of ads led to clicks, what the clicks cost, how often each ad is clicked, the visits of each user, and which
 * exchange sells best.
 */
import { files } from '@millrace/connector-files'
import {
  collect,
  count,
  join,
  mean,
  pipeline,
  session,
  tumbling,
  type SourceStream,
  type TimedStream,
} from 'millrace'

/** A user has seen an ad. */
interface View {
  readonly user: string
  readonly ad: string
  readonly at: string
}

/** A user has clicked on an ad. */
interface Click {
  readonly user: string
  readonly ad: string
  readonly at: string
}

/** From then on a click on an ad costs so many cents. */
interface Price {
  readonly ad: string
  readonly cents: number
  readonly at: string
}

/** What an exchange asks: for a click, or for a thousand views. */
interface Ask {
  readonly exchange: string
  readonly cents: number
  readonly at: string
}

const timed = <T extends { readonly at: string }>(stream: SourceStream<T>): TimedStream<T> =>
  stream.withTimestamps({ timestamp: ({ at }) => at, maxOutOfOrderness: '5m' })

export default pipeline('ad-clicks', (p) => {
  const data = p.parameter('data', 'examples/05-ad-clicks/data')
  const out = p.parameter('out', '.millrace/ad-clicks-results')
  const views = timed(p.from('views', files.readNdjson<View>(`${data}/views.ndjson`)))
  const clicks = timed(p.from('clicks', files.readNdjson<Click>(`${data}/clicks.ndjson`)))
  const prices = timed(p.from('prices', files.readNdjson<Price>(`${data}/prices.ndjson`)))
  const clicksByAd = clicks.keyBy(({ ad }) => ad)

  // A click belongs to a view of the same ad by the same user in the ten minutes before it.
  join(
    views.keyBy(({ user, ad }) => ({ user, ad })),
    clicks.keyBy(({ user, ad }) => ({ user, ad })),
  )
    .between('0s', '10m')
    .left('view-or-click', ({ user, ad, at }, click) => ({ user, ad, at, clickedAt: click?.at ?? null }))
    .to('views-with-clicks', files.writeNdjson(`${out}/views.ndjson`))

  // What was the price when it was clicked?
  join(
    clicksByAd,
    prices.keyBy(({ ad }) => ad),
  )
    .asOf()
    .left('price-of-click', ({ user, ad }, price) => ({ user, ad, cents: price?.cents ?? 0 }))
    .to('costs', files.writeNdjson(`${out}/costs.ndjson`))

  // How often is each ad seen and clicked?
  join(
    views.keyBy(({ ad }) => ad),
    clicksByAd,
  )
    .window(tumbling('30m'))
    .cogroup('click-rate', ({ key, window, left, right }) => ({
      ad: key,
      from: new Date(window.start).toISOString(),
      views: left.length,
      clicks: right.length,
    }))
    .to('rates', files.writeNdjson(`${out}/rates.ndjson`))

  // A visit ends when a user neither sees nor clicks anything for fifteen minutes.
  views
    .union(clicks)
    .keyBy(({ user }) => user)
    .window(session('15m'))
    .aggregate('visits', { events: count() })
    .map(({ key, window, events }) => ({ user: key, from: new Date(window.start).toISOString(), events }))
    .to('visits-of-users', files.writeNdjson(`${out}/visits.ndjson`))

  rankExchanges(
    timed(p.from('cpc', files.readNdjson<Ask>(`${data}/cpc.ndjson`))),
    timed(p.from('cpm', files.readNdjson<Ask>(`${data}/cpm.ndjson`))),
  ).to('ranking-of-exchanges', files.writeNdjson(`${out}/ranking.ndjson`))
})

/** The exchanges of each half hour, the one first where a click costs least when views are paid for. */
function rankExchanges(perClick: TimedStream<Ask>, perThousand: TimedStream<Ask>) {
  const average = (name: string, asks: TimedStream<Ask>) =>
    asks
      .keyBy(({ exchange }) => exchange)
      .window(tumbling('30m'))
      .aggregate(`average-${name}`, { cents: mean(({ cents }) => cents) })
      .keyBy(({ key }) => key)
  return (
    join(average('cpc', perClick), average('cpm', perThousand))
      .window(tumbling('30m'))
      .inner('exchanges', (click, thousand) => ({
        exchange: click.key,
        cpc: Math.round(click.cents),
        cpm: Math.round(thousand.cents),
        // So many clicks in a thousand views make both equally expensive.
        clicks: thousand.cents / click.cents,
      }))
      // Without a key: a ranking needs all exchanges.
      .window(tumbling('30m'))
      .aggregate('ranking', { offers: collect() })
      .flatMap(({ window, offers }) =>
        offers
          .toSorted((a, b) => a.clicks - b.clicks)
          .map(({ exchange, cpc, cpm }, i) => ({
            from: new Date(window.start).toISOString(),
            rank: i + 1,
            exchange,
            cpc,
            cpm,
          })),
      )
  )
}
