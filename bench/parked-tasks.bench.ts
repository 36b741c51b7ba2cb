/**
 * How much memory does a task use while it waits on its own channel, and what do its start and its end cost?
 */
import { Channel } from '@millrace/channels'
import { median, report } from './measure.ts'
import { buildGo } from './channel-rivals/go.ts'

const tasks = 1_000_000
const runs = 3

interface Parked {
  readonly bytes: number
  readonly nanoseconds: number
}

async function park(): Promise<Parked> {
  const before = liveBytes()
  const startedAt = performance.now()
  let ended = 0
  const channels = Array.from({ length: tasks }, () => new Channel<number>())
  for (const channel of channels) {
    void (async () => {
      await channel.receive()
      ended += 1
    })()
  }
  const parkedAt = performance.now()
  const bytes = (liveBytes() - before) / tasks
  const wakingAt = performance.now()
  for (const channel of channels) await channel.send(1)
  const elapsedMs = parkedAt - startedAt + (performance.now() - wakingAt)
  if (ended !== tasks) throw new Error(`${ended} of ${tasks} tasks have ended`)
  return { bytes, nanoseconds: (elapsedMs * 1e6) / tasks }
}

/** The live heap size after garbage collection. */
function liveBytes(): number {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc, as `npm run bench` does')
  globalThis.gc()
  return process.memoryUsage().heapUsed
}

const parked: Parked[] = []
for (let run = 0; run < runs; run++) parked.push(await park())

const go = buildGo()
const ours = median(parked.map(({ bytes }) => bytes))
const theirs = go && Math.round(go.run('parked', tasks))
report([
  {
    name: 'a task parked on a channel of its own',
    nanoseconds: median(parked.map(({ nanoseconds }) => nanoseconds)),
    runs,
    note:
      `${ours} bytes per task and its channel` +
      (theirs === undefined
        ? ''
        : `; Go ${go?.version}: ${theirs} bytes, of which 2048 are the smallest stack`),
  },
])
