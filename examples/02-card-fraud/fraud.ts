/**
 * Finds stolen cards in a stream of payments. It needs no input: `payments.ts` generates the payments.
 *
 *     npm start
 *
 * Stop it with Ctrl-C and start it again: it resumes where it was, with the state of every card.
 */
import { count, deadLetter, max, output, pipeline, state, sum, tumbling } from 'millrace'
import { files } from '@millrace/connector-files'
import { stdio } from '@millrace/connector-stdio'
import { cities, paymentLines, type Payment } from './payments.ts'

interface Alert {
  readonly rule: 'velocity' | 'impossible travel'
  readonly card: string
  readonly at: number
  readonly why: string
}

const minute = 60_000
const hour = 60 * minute

export default pipeline('card-fraud', (p) => {
  // Parameters: millrace run fraud.ts --parameter rate=1000
  const rate = p.parameter('rate', 100) // payments per second
  const total = p.parameter('count', Infinity)
  const out = p.parameter('out', '.millrace/card-fraud-results')

  // Lines that are not payments do not stop the job: they go to a file, with the reason.
  const payments = p
    .from('payments', paymentLines({ rate, count: total }))
    .map((line) => JSON.parse(line) as Payment, {
      name: 'parse',
      onError: deadLetter('rejected', files.writeNdjson(`${out}/rejected.ndjson`)),
    })
    // Event time is when a payment was made. Payments may arrive up to 5 seconds late and in any order.
    .withTimestamps({ timestamp: (payment) => payment.at, maxOutOfOrderness: '5s' })
  const perCard = payments.keyBy((payment) => payment.card)

  // A window: the total of each card in a minute.
  perCard
    .window(tumbling('1m'))
    .aggregate('per-minute', {
      payments: count(),
      total: sum((payment) => payment.amount),
      largest: max((payment) => payment.amount),
    })
    .to('spending', files.writeNdjson(`${out}/spending.ndjson`))

  // Your own rule: state for each card, and timers that delete it.
  const velocity = perCard.process('velocity', {
    output: output<Alert>(),
    state: { recent: state.value<readonly number[]>() },
    onRecord({ key: card, time }, { state, timers, emit }) {
      const recent = [...(state.recent.get() ?? []), time].filter((at) => at > time - minute)
      state.recent.set(recent)
      timers.setEvent(time + minute)
      // Exactly five, so that a sixth payment does not raise another alert.
      if (recent.length === 5) emit({ rule: 'velocity', card, at: time, why: '5 payments within a minute' })
    },
    onTimer({ time }, { state }) {
      const recent = (state.recent.get() ?? []).filter((at) => at > time - minute)
      if (recent.length > 0) state.recent.set(recent)
      else state.recent.clear()
    },
  })

  const travel = perCard.process('travel', {
    output: output<Alert>(),
    state: { last: state.value<Payment>() },
    onRecord({ key: card, value: payment, time }, { state, timers, emit }) {
      const last = state.last.get()
      state.last.set(payment)
      timers.setEvent(time + 12 * hour)
      if (last === undefined || last.city === payment.city) return
      const km = distance(last.city, payment.city)
      const hours = Math.abs(payment.at - last.at) / hour
      if (km < 900 * hours) return
      const why = `${last.city} and ${payment.city}, ${Math.round(km)} km apart, within ${Math.ceil(hours * 60)} min`
      emit({ rule: 'impossible travel', card, at: time, why })
    },
    onTimer({ time }, { state }) {
      if ((state.last.get()?.at ?? 0) <= time - 12 * hour) state.last.clear()
    },
  })

  const alerts = velocity.union(travel)
  alerts.to('alerts', files.writeNdjson(`${out}/alerts.ndjson`))
  alerts.to('screen', stdio.writeLines({ format: lineOf }))
})

function lineOf({ rule, card, at, why }: Alert): string {
  return `${new Date(at).toISOString().slice(11, 19)}  ${card}  ${rule}: ${why}`
}

/** Kilometres between two cities, along the surface of the Earth. */
function distance(from: string, to: string): number {
  const [north1, east1] = cities[from]!.map((degrees) => (degrees * Math.PI) / 180) as [number, number]
  const [north2, east2] = cities[to]!.map((degrees) => (degrees * Math.PI) / 180) as [number, number]
  const half = Math.sin((north2 - north1) / 2) ** 2
  const other = Math.cos(north1) * Math.cos(north2) * Math.sin((east2 - east1) / 2) ** 2
  return 2 * 6371 * Math.asin(Math.sqrt(half + other))
}
