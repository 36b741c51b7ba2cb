/**
 * Finds times at which a machine is far colder than usual.
 *
 *     npx millrace run examples/06-sensor-anomalies/sensor-anomalies.ts --bounded
 *     npx millrace run ... --bounded --parameter file=machine_temperature_system_failure.csv
 */
import { files } from '@millrace/connector-files'
import { aggregator, join, mean, min, pipeline, session, sliding } from 'millrace'
import { generatedReadings, type Reading } from './readings.ts'

/** How the values of a window are spread. */
interface Spread {
  readonly n: number
  readonly mean: number
  /** The sum of the squares of the distances from the mean. */
  readonly squares: number
}

/** The mean of numbers, and their standard deviation. */
const spread = aggregator({
  kind: 'spread',
  version: 1,
  create: (): Spread => ({ n: 0, mean: 0, squares: 0 }),
  isFixedSize: true,
  add: (before: Spread, { value }: Reading) => merged(before, { n: 1, mean: value, squares: 0 }),
  merge: merged,
  result: ({ n, mean: middle, squares }) => ({ mean: middle, deviation: Math.sqrt(squares / n) }),
})

/** The spread of two sets together. (After Chan, Golub and LeVeque: it does not subtract large numbers.) */
function merged(a: Spread, b: Spread): Spread {
  const n = a.n + b.n
  if (n === 0) return a
  const apart = b.mean - a.mean
  return {
    n,
    mean: a.mean + (apart * b.n) / n,
    squares: a.squares + b.squares + (apart * apart * a.n * b.n) / n,
  }
}

export default pipeline('sensor-anomalies', (p) => {
  const file = p.parameter('file', '') // a file with the columns timestamp and value
  const out = p.parameter('out', '.millrace/sensor-anomalies-results')
  const deviations = p.parameter('deviations', 2) // how far below the usual mean is cold

  const source =
    file === ''
      ? generatedReadings()
      : files.readCsv<Reading>(file, {
          parse: ({ timestamp = '', value = '' }) => ({
            sensor: 'machine',
            at: timestamp,
            value: Number(value),
          }),
        })
  const readings = p
    .from('readings', source)
    // The clock of the machine was set back by an hour once.
    .withTimestamps({
      timestamp: ({ at }) => at,
      format: 'yyyy-MM-dd HH:mm:ss',
      zone: 'UTC',
      maxOutOfOrderness: '1h',
    })
  const bySensor = readings.keyBy(({ sensor }) => sensor)

  // Every hour: how warm it was in the last 18 hours, and how warm it usually is.
  const recent = bySensor
    .window(sliding({ size: '18h', slide: '1h' }))
    .aggregate('recent', { level: mean(({ value }) => value) })
  const usual = bySensor
    .window(sliding({ size: '21d', slide: '1h' }))
    .aggregate('usual', { usual: spread, first: min(({ at }) => at) })

  join(
    recent.keyBy(({ key }) => key),
    usual.keyBy(({ key }) => key),
  )
    // Both results have the time of the end of their windows.
    .between(0, 0)
    .inner('compared', ({ key, window, level }, { usual: { mean: middle, deviation }, first }) => ({
      sensor: key,
      end: window.end,
      level,
      isCold: level < middle - deviations * deviation,
      daysKnown: (window.end - Date.parse(`${first.replace(' ', 'T')}Z`)) / 86_400_000,
    }))
    // What is usual is not known in the first days.
    .filter(({ isCold, daysKnown }) => isCold && daysKnown >= 3)
    .keyBy(({ sensor }) => sensor)
    // One alarm for hours that follow one another within two days.
    .window(session('48h'))
    .aggregate('alarms', { lowest: min(({ level }) => level) })
    .map(({ key, window, lowest }) => ({
      sensor: key,
      from: textOf(window.start + 1),
      to: textOf(window.end + 1 - 48 * 3_600_000),
      lowest: Number(lowest.toFixed(1)),
    }))
    .to('alarms-out', files.writeNdjson(`${out}/alarms.ndjson`))
})

const textOf = (time: number): string => new Date(time).toISOString().slice(0, 16)
