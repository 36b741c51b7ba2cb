/** What does a keyed window cost with a million keys, compared with a map of a million entries? */
import { count, pipeline, tumbling } from '@millrace/flow'
import { CountingSink, decoded, runToEnd } from './engine-run.ts'
import { measureInTurns } from './measure.ts'

const keys = 1_000_000
const rounds = 2
const events = Array.from({ length: keys }, (_, id) => ({ key: `key-${(id * 7_919) % keys}` }))

await measureInTurns(
  [
    {
      name: 'loop: tumbling count, 1 M keys',
      operations: keys * rounds,
      run: () => {
        const counts = new Map<string, number>()
        for (let round = 0; round < rounds; round++) {
          for (const { key } of events) counts.set(key, (counts.get(key) ?? 0) + 1)
        }
        if (counts.size !== keys) throw new Error('keys are missing')
      },
    },
    {
      name: 'engine: tumbling count, 1 M keys',
      operations: keys * rounds,
      run: async () => {
        let n = 0
        await runToEnd(
          pipeline('bench', (p) => {
            p.from('events', decoded(events, rounds))
              .withTimestamps({ timestamp: () => Math.floor(n++ / 100) })
              .keyBy((event) => event.key)
              .window(tumbling('1h'))
              .aggregate('counts', { n: count() })
              .to('out', new CountingSink())
          }),
        )
      },
    },
  ],
  3,
)
