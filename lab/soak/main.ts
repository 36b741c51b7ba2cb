/**
 * `npm run soak`: a sink that stalls for five minutes, twice; an hour of overwrites of a million keys, simulated by
 * checkpoints that each represent a second; and three jobs over a real Kafka that is stopped for five minutes. With the
 * word `short` small versions of the same; other words select by name.
 */
import { soakOverwrites } from './overwrites.ts'
import type { SoakReport } from './report.ts'
import { soakStalledSink } from './stalled-sink.ts'
import { soakStoppedBroker } from './stopped-broker.ts'

const [length, ...names] = process.argv.slice(2)
const isShort = length === 'short'

const stall = isShort
  ? { records: 60_000, before: 30_000, stallMs: 2_000, sampleEveryMs: 100, checkpointEveryMs: 50 }
  : {
      records: 2_000_000,
      before: 1_000_000,
      stallMs: 300_000,
      sampleEveryMs: 1_000,
      checkpointEveryMs: 1_000,
    }
const hour = isShort
  ? { keys: 20_000, checkpoints: 160, overwritesPerCheckpoint: 1_000, segmentBytes: 256 * 1024, samples: 16 }
  : { keys: 1_000_000, checkpoints: 3_600, overwritesPerCheckpoint: 10_000, samples: 40 }

const outage = isShort
  ? { records: 20_000, recordsPerSecond: 2_000, beforeMs: 5_000, stoppedMs: 10_000, sampleEveryMs: 500 }
  : { records: 120_000, recordsPerSecond: 2_000, beforeMs: 20_000, stoppedMs: 300_000, sampleEveryMs: 1_000 }

const soaks: Readonly<Record<string, () => Promise<SoakReport>>> = {
  'stalled-sink': () => soakStalledSink({ ...stall, checkpointTimeoutMs: 600_000 }),
  'stalled-sink-and-checkpoints-given-up': () =>
    soakStalledSink({ ...stall, checkpointTimeoutMs: stall.checkpointEveryMs }),
  overwrites: () => soakOverwrites(hour),
  'stopped-broker': () => soakStoppedBroker(outage),
}

for (const name of names.length === 0 ? Object.keys(soaks) : names) {
  const { figures, broken } = await soaks[name]!()
  process.stdout.write(`${name}: ${figures}\n`)
  for (const each of broken) process.stdout.write(`  does not hold: ${each}\n`)
  if (broken.length > 0) process.exitCode = 1
}
