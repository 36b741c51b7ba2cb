/**
 * What each user likes at the moment, and what is looked at after each item: the three best of each, every day.
 * A day counts half as much as the one after it.
 *
 *     npx millrace run examples/07-recommendations/recommendations.ts --bounded
 */
import { files } from '@millrace/connector-files'
import {
  aggregator,
  collect,
  output,
  pipeline,
  session,
  state,
  tumbling,
  type TimedKeyedStream,
} from 'millrace'

/** A user has looked at an item. */
interface View {
  readonly user: string
  readonly item: string
  readonly at: string
}

/** What is counted: an item, for a user or for another item. */
interface Counted {
  readonly item: string
}

/** How often each item occurs. */
const tally = aggregator({
  kind: 'tally',
  version: 1,
  create: () => new Map<string, number>(),
  add: (counts: Map<string, number>, { item }: Counted) => counts.set(item, (counts.get(item) ?? 0) + 1),
  merge: (counts, later) => {
    for (const [item, count] of later) counts.set(item, (counts.get(item) ?? 0) + count)
    return counts
  },
  result: (counts): readonly (readonly [item: string, count: number])[] => [...counts],
})

/** The best items of a key on a day, best first. */
interface Ranking {
  readonly key: string
  readonly day: string
  readonly best: readonly string[]
}

const best = 3
const day = 86_400_000
/** An item that has lost so much of its score is forgotten: after a week without a view. */
const forgotten = 0.01

/** Adds up the counts of each day, halves them with each day, and emits the best when they have changed. */
function ranking(name: string, counted: TimedKeyedStream<Counted, string>) {
  return counted
    .window(tumbling('1d'))
    .aggregate(`${name}-of-day`, { counts: tally })
    .keyBy(({ key }) => key)
    .process(`best-of-${name}`, {
      output: output<Ranking>(),
      state: {
        scores: state.map<string, number>(),
        day: state.value<number>(),
        best: state.value<string[]>(),
      },
      onRecord({ key, value: { window, counts } }, { state: { scores, day: last, best: before }, emit }) {
        const halved = 0.5 ** ((window.start - (last.get() ?? window.start)) / day)
        last.set(window.start)
        const known = [...scores.entries()]
        for (const [item, score] of known) {
          if (score * halved < forgotten) scores.delete(item)
          else scores.set(item, score * halved)
        }
        for (const [item, count] of counts) scores.set(item, (scores.get(item) ?? 0) + count)
        const now = [...scores.entries()]
          .toSorted(([a, scoreA], [b, scoreB]) => scoreB - scoreA || (a < b ? -1 : 1))
          .slice(0, best)
          .map(([item]) => item)
        if (before.get()?.join() === now.join()) return
        before.set(now)
        emit({ key, day: new Date(window.start).toISOString().slice(0, 10), best: now })
      },
    })
}

export default pipeline('recommendations', (p) => {
  const data = p.parameter('data', 'examples/07-recommendations/data')
  const out = p.parameter('out', '.millrace/recommendations-results')
  const views = p
    .from('views', files.readNdjson<View>(`${data}/views.ndjson`))
    .withTimestamps({ timestamp: ({ at }) => at, maxOutOfOrderness: '1h' })
  const byUser = views.keyBy(({ user }) => user)

  // What each user looks at most.
  ranking('items', byUser).to('users', files.writeNdjson(`${out}/users.ndjson`))

  // What is looked at after an item, in the same visit.
  const followers = byUser
    .window(session('30m'))
    .aggregate('visits', { views: collect() })
    .flatMap(({ views: visit }) => {
      const items = visit.toSorted((a, b) => (a.at < b.at ? -1 : 1)).map(({ item }) => item)
      return items.slice(1).map((item, i) => ({ after: items[i]!, item }))
    })
    .filter(({ after, item }) => after !== item)
    .keyBy(({ after }) => after)
  ranking('followers', followers).to('items', files.writeNdjson(`${out}/items.ndjson`))
})
