import { ManualClock, seededRandom, systemScheduler } from '@millrace/world'
import { describe, onTestFinished } from 'vitest'
import { MemoryKafka } from '../src/testing.ts'
import { portConformance } from './port-conformance.ts'
import type { PortCluster } from './port-parts.ts'

/** Moves a clock from timer to timer, while a test waits. */
function running(clock: ManualClock): ManualClock {
  let isRunning = true
  onTestFinished(() => void (isRunning = false))
  const run = async (): Promise<void> => {
    while (isRunning) {
      await systemScheduler.turn()
      await clock.advance(clock.nextDelay() ?? 0)
    }
  }
  void run()
  return clock
}

function cluster(more: { latencyMs?: number; markMs?: number } = {}): Promise<PortCluster> {
  const clock = running(new ManualClock(1_000_000))
  const kafka = new MemoryKafka({ clock, random: seededRandom(1), ...more })
  let processes = 0
  const connect: PortCluster['connect'] = (world) =>
    Promise.resolve(kafka.port(world, `process-${processes++}`))
  return Promise.resolve({ clock, connect })
}

describe('a cluster in memory', () => {
  portConformance(() => cluster())
})

describe('a cluster in memory that takes its time', () => {
  portConformance(() => cluster({ latencyMs: 20, markMs: 100 }))
})
