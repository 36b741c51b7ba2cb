import { ManualClock } from '@millrace/world'
import { expect, test } from 'vitest'
import { RemoteWorker } from './remote-worker.ts'
import type { WorkerThread } from './worker-host.ts'
import type { WorkerEvents } from './worker.ts'

/** A thread that is started and never says a word. */
function silentThread(): WorkerThread & { killed: number } {
  return {
    killed: 0,
    port: { post: () => {}, listen: () => {} },
    link: { send: () => {}, hasRoom: true, pump: () => {}, listen: () => {} },
    onEnd: () => {},
    async kill() {
      this.killed++
    },
  }
}

test('worker: one that gives no sign of life fails what it was asked, so that the job can close', async () => {
  const clock = new ManualClock()
  const thread = silentThread()
  const failures: unknown[] = []
  const ignore = (): void => {}
  const events: WorkerEvents = {
    report: ignore,
    ended: ignore,
    failed: (error) => failures.push(error),
    warn: ignore,
    positions: ignore,
    outage: ignore,
  }
  const owner = { job: 'job', epoch: 1, confirm: async () => {} }
  const worker = new RemoteWorker({ name: 'worker 1', thread, clock, owner, events, timeoutMs: 6_000 })
  const persisted = worker.persist().catch((error: unknown) => error)
  await clock.advance(6_000)
  expect(failures).toEqual([])
  await clock.advance(1_000)
  const failed = expect.objectContaining({ code: 'WORKER_FAILED', place: 'worker 1' }) as unknown
  expect(failures).toEqual([failed])
  expect(await persisted).toEqual(failed)
  await worker.close()
  expect(thread.killed).toBe(1)
})
