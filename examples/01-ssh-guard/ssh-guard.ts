/**
 * Watches an OpenSSH log for password guessing.
 *
 *     millrace run ssh-guard.ts --parameter log=/var/log/auth.log --parameter follow=true
 *
 * All decisions use the time in the log, not the clock: a year-old log gives the same results as a live one,
 * and after a crash each result is written once.
 */
import {
  aggregator,
  deadLetter,
  MillraceError,
  output,
  pipeline,
  sliding,
  state,
  sum,
  tumbling,
  type Source,
  type TimedKeyedStream,
  type TimedStream,
} from 'millrace'
import { files } from '@millrace/connector-files'
import { http } from '@millrace/connector-http'
import { stdio } from '@millrace/connector-stdio'
import { parseLine, type Login } from './auth-log.ts'

/** A burst: failed logins of one address with gaps of at most `quiet`. */
interface Burst {
  readonly start: number
  readonly last: number
  readonly failures: number
}

interface Alert {
  readonly kind: 'attack' | 'break-in'
  readonly address: string
  /** Event times, in milliseconds since the epoch. */
  readonly since: number
  readonly at: number
  readonly failures: number
  readonly user: string
}

const userNames = aggregator({
  kind: 'user-names',
  version: 1,
  create: () => new Set<string>(),
  add: (names, login: Login) => names.add(login.user),
  merge: (a, b) => new Set([...a, ...b]),
  result: (names) => [...names].toSorted(),
})

export default pipeline('ssh-guard', (p) => {
  const log = p.parameter('log', '') // a file, a directory, or - for standard input
  const port = p.parameter('http', 0) // or a port on which lines are posted as JSON strings
  const follow = p.parameter('follow', false) // wait for more data at the end of the log
  const year = p.parameter('year', new Date().getUTCFullYear()) // for lines without a year
  const maxOutOfOrderness = p.parameter('maxOutOfOrderness', '10s') // how far apart lines may be swapped
  const size = p.parameter('size', '10m') // of the windows in which failures are counted
  const slide = p.parameter('slide', '1m') // the step between two windows
  const threshold = p.parameter('threshold', 5) // failures that make an attack
  const quietMs = p.parameter('quiet', 600) * 1_000 // seconds without failures that end a burst
  const out = p.parameter('out', 'ssh-guard-out') // where results go

  const logins = p
    .from('log', sourceOf({ log, port, follow }))
    .flatMap((line) => parseLine(line, year), {
      name: 'parse',
      onError: deadLetter('rejected', files.writeNdjson(`${out}/rejected.ndjson`)),
    })
    .withTimestamps({
      timestamp: (login) => login.at,
      maxOutOfOrderness,
      ...(follow ? { idleAfter: '30s' } : {}),
    })

  countFailures(
    logins.filter((login) => !login.isAccepted).keyBy((login) => login.address),
    { size, slide, out },
  )
  const alerts = findBursts(
    logins.keyBy((login) => login.address),
    { threshold, quietMs },
  )
  alerts.to('alerts', files.writeNdjson(`${out}/alerts.ndjson`))
  alerts.to('screen', stdio.writeLines({ format: describe }))
})

/** The failures of each address: in overlapping windows, and per day with the user names it tried. */
function countFailures(
  failures: TimedKeyedStream<Login, string>,
  { size, slide, out }: { readonly size: string; readonly slide: string; readonly out: string },
): void {
  const counts = failures
    .window(sliding({ size, slide }))
    .aggregate('failures', { failures: sum((login) => login.times) })
  counts.to('counts', files.writeNdjson(`${out}/counts.ndjson`))
  counts.late.to('late', files.writeNdjson(`${out}/late.ndjson`))

  failures
    .window(tumbling('1d'))
    .aggregate('days', { failures: sum((login) => login.times), users: userNames })
    .to('per-day', files.writeNdjson(`${out}/days.ndjson`))
}

/** One alert per burst, whatever its length; and one for a successful login after many failures. */
function findBursts(
  logins: TimedKeyedStream<Login, string>,
  { threshold, quietMs }: { readonly threshold: number; readonly quietMs: number },
): TimedStream<Alert> {
  return logins.process('bursts', {
    output: output<Alert>(),
    state: { burst: state.value<Burst>() },

    onRecord({ key: address, value: login, time }, { state, timers, emit }) {
      const known = state.burst.get()
      // The timer fires once no record of that time can arrive any more: perhaps after the next burst has
      // begun.
      const before = known !== undefined && time - known.last <= quietMs ? known : undefined
      const failed = before?.failures ?? 0
      if (login.isAccepted) {
        if (before === undefined || failed < threshold) return
        emit({ kind: 'break-in', address, since: before.start, at: time, failures: failed, user: login.user })
        return
      }
      const start = Math.min(before?.start ?? time, time)
      const last = Math.max(before?.last ?? time, time)
      const failures = failed + login.times
      state.burst.set({ start, last, failures })
      if (known !== undefined) timers.deleteEvent(known.last + quietMs)
      timers.setEvent(last + quietMs)
      if (failed < threshold && failures >= threshold) {
        emit({ kind: 'attack', address, since: start, at: time, failures, user: login.user })
      }
    },

    // No failure for the quiet period: the burst is over.
    onTimer(_timer, { state }) {
      state.burst.clear()
    },
  })
}

function sourceOf(from: {
  readonly log: string
  readonly port: number
  readonly follow: boolean
}): Source<string> {
  if (from.port > 0) return http.receive<string>({ port: from.port, path: '/lines' })
  if (from.log === '-') return stdio.readLines()
  if (from.log === '') {
    throw new MillraceError(
      'OPTION_INVALID',
      'nothing to read; set --parameter log=FILE, --parameter log=- or --parameter http=PORT',
    )
  }
  return files.readLines(from.log, { follow: from.follow })
}

function describe({ kind, address, at, failures, user }: Alert): string {
  const time = new Date(at).toISOString().slice(0, 19).replace('T', ' ')
  return kind === 'attack'
    ? `${time}  ${address} is guessing passwords: ${failures} failures, the last for ${JSON.stringify(user)}`
    : `${time}  ${address} got in as ${JSON.stringify(user)} after ${failures} failures`
}
