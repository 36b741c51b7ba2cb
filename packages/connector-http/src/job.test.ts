import type { Batch, Sink } from '@millrace/core/connector'
import { startJob, type Job } from '@millrace/core/job'
import { pipeline } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { simPlatform, type SimFs, type SimPlatform } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { postLines } from '../test/http-life.ts'
import * as http from './http.ts'

/** An external output: makes records visible with the checkpoint that covers them. */
class Ledger implements Sink<number, number[]> {
  readonly kind = 'ledger'
  readonly guarantee = 'exactly-once'
  readonly visible: number[] = []
  written: number[] = []
  readonly #committed = new Set<string>()

  open(_subtask: number, pending: readonly number[][]): ReturnType<Sink<number, number[]>['open']> {
    let unprepared: number[] = []
    this.written = []
    for (const committable of pending) this.#commit(committable)
    return Promise.resolve({
      write: (batch: Batch<number>) => {
        unprepared.push(...batch.values.slice(0, batch.length))
        this.written.push(...batch.values.slice(0, batch.length))
      },
      prepare: () => Promise.resolve(unprepared.length === 0 ? undefined : unprepared.splice(0)),
      commit: (committable: number[]) => Promise.resolve(this.#commit(committable)),
      close: () => {
        unprepared = []
        return Promise.resolve()
      },
    })
  }

  #commit(committable: readonly number[]): void {
    const name = committable.join(',')
    if (this.#committed.has(name)) return
    this.#committed.add(name)
    this.visible.push(...committable)
  }
}

interface Life {
  readonly job: Job
  readonly platform: SimPlatform
  send(lines: string): Promise<number>
  /** Runs the job until it has written this many records since its start. */
  written(count: number): Promise<void>
}

async function live(ledger: Ledger, seed: number, fs?: SimFs): Promise<Life> {
  // A sink is opened last; until then this would show the output of an earlier run.
  ledger.written = []
  const platform = simPlatform({ seed, ...(fs && { fs }) })
  const source = http.receive<number>({ port: 0 })
  const { graph } = pipeline('received', (p) => p.from('in', source).to('out', ledger)).describe()
  const job = startJob({
    graph,
    platform,
    store: memoryStore(),
    directory: 'data',
    restart: { kind: 'none' },
  })
  const { url } = await source.address()
  return {
    job,
    platform,
    send: async (lines) => (await postLines(url, lines)).status,
    written: async (count) => {
      while (ledger.written.length < count) await platform.scheduler.turn()
    },
  }
}

test('a job that is cancelled, loses power and is stopped counts every accepted record once', async () => {
  const ledger = new Ledger()
  const first = await live(ledger, 1)
  expect(await first.send('1\n2\n3')).toBe(200)
  await first.written(3)
  await first.job.checkpoint()
  expect(await first.send('4\n5')).toBe(200)
  await first.written(5)
  await first.job.cancel()

  const second = await live(ledger, 2, first.platform.fs)
  expect(await second.send('6')).toBe(200)
  await second.written(3)
  expect(ledger.written).toEqual([4, 5, 6])
  expect(await second.send('7')).toBe(200)
  const afterPowerLoss = second.platform.fs.afterPowerLoss()
  await second.job.cancel()

  const third = await live(ledger, 3, afterPowerLoss)
  await third.written(4)
  await third.job.stop()
  expect(ledger.visible).toEqual([1, 2, 3, 4, 5, 6, 7])
})
