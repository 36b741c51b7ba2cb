/**
 * The monthly bill of each customer, for months of the customer's time zone.
 *
 *     npx millrace run examples/10-monthly-bill/monthly-bill.ts --bounded
 */
import { files } from '@millrace/connector-files'
import { calendar, count, pipeline, sum } from 'millrace'

/** A customer has used some energy. */
interface Usage {
  readonly customer: string
  readonly zone: string
  readonly at: string
  readonly kWh: number
}

/** Windows of a calendar are in one time zone, so each zone has windows of its own. */
const zones = ['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Pacific/Auckland']

/** Cents for each kWh: the first hundred in a month cost more. */
function price(kWh: number): number {
  return Math.round(Math.min(kWh, 100) * 31 + Math.max(kWh - 100, 0) * 24)
}

export default pipeline('monthly-bill', (p) => {
  const data = p.parameter('data', 'examples/10-monthly-bill/data')
  const out = p.parameter('out', '.millrace/monthly-bill-results')
  const usage = p
    .from('usage', files.readNdjson<Usage>(`${data}/usage.ndjson`))
    .withTimestamps({ timestamp: ({ at }) => at, maxOutOfOrderness: '1d' })

  const bills = zones.map((zone) =>
    usage
      .filter((each) => each.zone === zone)
      .keyBy(({ customer }) => customer)
      .window(calendar('month', { zone }))
      // A meter may report three days late; the bill is then sent again.
      .aggregate(
        `months-in-${zone.replace('/', '-')}`,
        { readings: count(), kWh: sum((each) => each.kWh) },
        { allowedLateness: '3d' },
      )
      .map(({ key, window, readings, kWh }) => ({
        customer: key,
        from: new Date(window.start).toISOString(),
        to: new Date(window.end).toISOString(),
        hours: (window.end - window.start) / 3_600_000,
        readings,
        kWh: Number(kWh.toFixed(1)),
        cents: price(kWh),
      })),
  )
  const [first, ...others] = bills
  first!.union(...others).to('bills', files.writeNdjson(`${out}/bills.ndjson`))
})
