import { files } from '@millrace/connector-files'
import { count, output, pipeline, sliding, state, sum, type Pipeline } from 'millrace'
import { disorderMs, type Reading } from './input.ts'
import { planted } from './planted.ts'

/** The job that is killed: every kind of state, and one sink of each kind. */
const program: Pipeline = pipeline(
  'kill',
  (p) => {
    const directory = p.parameter('directory', { required: 'string' })
    const rate = p.parameter('rate', 0)
    const mistake = p.parameter('mistake', 'none')
    const out = (name: string, rollBytes?: number) =>
      planted.sink(
        mistake,
        files.writeNdjson(`${directory}/out/${name}.ndjson`, rollBytes === undefined ? {} : { rollBytes }),
      )
    const readings = p
      .from('readings', planted.source(mistake, rate, files.readNdjson<Reading>(`${directory}/in/*.ndjson`)))
      .withTimestamps({ timestamp: (reading) => reading.at, maxOutOfOrderness: disorderMs })

    readings
      .keyBy((reading) => reading.key)
      .window(sliding({ size: '20s', slide: '5s' }))
      .aggregate('windows', { n: count(), total: sum((reading: Reading) => reading.amount) })
      .to('windows-out', out('windows'))

    readings
      .keyBy((reading) => reading.key)
      .process('minutes', {
        output: output<{ key: string; until: number; n: number }>(),
        state: { counts: state.map<number, number>() },
        onRecord({ time }, { state: { counts }, timers }) {
          const until = Math.floor(time / 60_000) * 60_000 + 60_000
          counts.set(until, (counts.get(until) ?? 0) + 1)
          timers.setEvent(until)
        },
        onTimer({ key, time }, { state: { counts }, emit }) {
          emit({ key, until: time, n: counts.get(time) ?? 0 })
          counts.delete(time)
        },
      })
      .to('minutes-out', out('minutes'))

    readings
      .mapAsync('doubled', async ({ id, amount }) => ({ id, doubled: await twice(amount) }), {
        concurrency: 64,
        order: 'none',
      })
      .to('doubled-out', out('doubled', 1 << 20))
  },
  { checkpointEvery: 100 },
)

async function twice(amount: number): Promise<number> {
  await Promise.resolve()
  return amount * 2
}

export default program
