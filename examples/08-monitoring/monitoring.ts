/**
 * Watches services: alerts when more requests fail than the threshold of that time allows, when that is over, and
 * when a service is silent.
 *
 *     npx millrace run examples/08-monitoring/monitoring.ts --bounded
 */
import { files } from '@millrace/connector-files'
import { count, join, max, output, pipeline, session, sliding, state, sum } from 'millrace'

/** A service has handled a request. */
interface Request {
  readonly service: string
  readonly at: string
  readonly ok: boolean
  readonly ms: number
}

/** From then on at most this share of a service's requests may fail. */
interface Threshold {
  readonly service: string
  readonly at: string
  readonly share: number
}

interface Alert {
  readonly service: string
  readonly at: string
  readonly kind: 'failing' | 'recovered' | 'silent'
  readonly why: string
}

export default pipeline('monitoring', (p) => {
  const data = p.parameter('data', 'examples/08-monitoring/data')
  const out = p.parameter('out', '.millrace/monitoring-results')
  const requests = p
    .from('requests', files.readNdjson<Request>(`${data}/requests.ndjson`))
    .withTimestamps({ timestamp: ({ at }) => at, maxOutOfOrderness: '20s' })
    .keyBy(({ service }) => service)
  const thresholds = p
    .from('thresholds', files.readNdjson<Threshold>(`${data}/thresholds.ndjson`))
    .withTimestamps({ timestamp: ({ at }) => at })
    .keyBy(({ service }) => service)

  // Every minute: what the last five minutes were like.
  const rates = requests.window(sliding({ size: '5m', slide: '1m' })).aggregate('rates', {
    requests: count(),
    failed: sum(({ ok }) => (ok ? 0 : 1)),
    slowest: max(({ ms }) => ms),
  })
  rates
    .map(({ key, window, requests: all, failed, slowest }) => ({
      service: key,
      at: textOf(window.end),
      perMinute: all / 5,
      failed: percent(failed / all),
      slowest,
    }))
    .to('rates-out', files.writeNdjson(`${out}/rates.ndjson`))

  // The threshold of that time, not of now: results do not depend on when a change of it arrives.
  const failing = join(
    rates.keyBy(({ key }) => key),
    thresholds,
  )
    .asOf()
    .inner('with-threshold', ({ key, window, requests: all, failed }, { share }) => ({
      service: key,
      end: window.end,
      share: failed / all,
      allowed: share,
    }))
    .keyBy(({ service }) => service)
    .process('failing', {
      output: output<Alert>(),
      state: { isFailing: state.value<boolean>() },
      // One alert when it begins and one when it ends, not one a minute.
      onRecord({ key: service, value: { end, share, allowed } }, { state: { isFailing }, emit }) {
        const was = isFailing.get() ?? false
        const is = share > allowed
        if (is === was) return
        if (is) isFailing.set(true)
        else isFailing.clear()
        const why = `${percent(share)} of requests fail; ${percent(allowed)} may`
        emit({ service, at: textOf(end), kind: is ? 'failing' : 'recovered', why })
      },
    })

  // A session of requests ends when there was none for three minutes.
  const silent = requests
    .window(session('3m'))
    .aggregate('active', { requests: count() })
    .map(({ key: service, window }): Alert => {
      const last = textOf(window.end - 3 * 60_000)
      return { service, at: textOf(window.end), kind: 'silent', why: `the last request was at ${last}` }
    })

  failing.union(silent).to('alerts', files.writeNdjson(`${out}/alerts.ndjson`))
})

const textOf = (time: number): string => new Date(time).toISOString().slice(11, 19)

const percent = (share: number): string => `${Math.round(share * 100)} %`
