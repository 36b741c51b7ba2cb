/**
 * The visits in the log of a web server: pages, times, where each visitor came in and left.
 *
 *     npx millrace run examples/09-web-sessions/web-sessions.ts --bounded
 *     npx millrace run ... --parameter log=/var/log/nginx/access.log
 */
import { files } from '@millrace/connector-files'
import { collect, count, deadLetter, max, pipeline, session, sum, tumbling } from 'millrace'
import { parseLine } from './access-log.ts'

export default pipeline('web-sessions', (p) => {
  const log = p.parameter('log', 'examples/09-web-sessions/access.log')
  const gap = p.parameter('gap', '30m') // a visit is over when nothing is requested for so long
  const out = p.parameter('out', '.millrace/web-sessions-results')

  const requests = p
    .from('log', files.readLines(log))
    .map(parseLine, { onError: deadLetter('rejected', files.writeNdjson(`${out}/rejected.ndjson`)) })
    // The server logs a request when it has been answered.
    .withTimestamps({ timestamp: ({ at }) => at, maxOutOfOrderness: '1m' })

  const visits = requests
    .filter(({ isPage }) => isPage)
    .keyBy(({ address, agent }) => ({ address, agent }))
    .window(session(gap))
    .aggregate('visits', {
      pages: collect(({ path, at }) => ({ path, at })),
      failed: sum(({ status }) => +(status >= 400)),
    })
    .map(({ key, window, pages, failed }) => {
      // They are collected in the order of the log.
      const inOrder = pages.toSorted((a, b) => a.at - b.at)
      return {
        address: key.address,
        from: textOf(window.start),
        minutes: Math.round((inOrder.at(-1)!.at - window.start) / 60_000),
        pages: pages.length,
        first: inOrder[0]!.path,
        last: inOrder.at(-1)!.path,
        failed,
      }
    })
  visits.to('visits-out', files.writeNdjson(`${out}/visits.ndjson`))

  // All visitors together, by the hour in which their visit ended.
  visits
    .window(tumbling('1h'))
    .aggregate('hours', { visits: count(), longest: max(({ pages }) => pages) })
    .map(({ window, visits: ended, longest }) => ({ hour: textOf(window.start), visits: ended, longest }))
    .to('hours-out', files.writeNdjson(`${out}/hours.ndjson`))
})

const textOf = (time: number): string => new Date(time).toISOString().slice(0, 16)
