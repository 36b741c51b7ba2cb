import { seededRandom } from '@millrace/world'
import type { ManualClock } from '@millrace/world'
import { crashEverywhere, SimFs, simPlatform, type SimPlatform } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import type { ProcessFacts } from '../disk/platform.ts'
import { DirectoryLock, type LockSurroundings } from './directory-lock.ts'

const options = { leaseMs: 30_000, heartbeatMs: 5_000 }

/** What a lock has reported. */
interface LockEvents {
  readonly waiting: string[]
  readonly lost: unknown[]
  readonly warnings: string[]
}

interface Contender {
  readonly platform: SimPlatform
  readonly events: LockEvents
  /** `fateOf` is its answer about other processes. */
  readonly take: (fateOf?: ProcessFacts['fateOf']) => Promise<DirectoryLock>
}

/** A process that wants the data directory on a disk. `fate` is its answer about any other process. */
function contender(
  fs: SimFs,
  changes: Partial<LockSurroundings> & {
    readonly fate?: 'gone' | 'unknown'
  } = {},
): Contender {
  const { fate, ...rest } = changes
  const platform = simPlatform({ seed: 1, fs })
  const known: ProcessFacts['fateOf'] = async (process) => fate ?? platform.process.fateOf(process)
  const events: LockEvents = { waiting: [], lost: [], warnings: [] }
  return {
    platform,
    events,
    take: (fateOf = known) =>
      DirectoryLock.take({
        platform: { ...platform, process: { ...platform.process, fateOf } },
        data: 'data',
        directory: 'data/owner',
        options,
        signal: new AbortController().signal,
        waiting: (owner, leaseMs) => events.waiting.push(`${owner} for ${leaseMs} ms`),
        lost: (error) => events.lost.push(error),
        warn: (message) => events.warnings.push(message),
        ...rest,
      }),
  }
}

/** Advances time until a promise has settled. */
async function settled<T>(promise: Promise<T>, clock: ManualClock): Promise<PromiseSettledResult<T>> {
  let result: PromiseSettledResult<T> | undefined
  void Promise.allSettled([promise]).then(([only]) => (result = only))
  while (result === undefined) {
    for (let turn = 0; turn < 50; turn++) await Promise.resolve()
    await clock.advance(clock.nextDelay() ?? 0)
  }
  return result
}

function filesIn(fs: SimFs): readonly string[] {
  return fs.paths().filter((path) => path.startsWith('/data/'))
}

describe('a data directory and its owner', () => {
  test('is owned in increasing epochs, by processes that keep its identity', async () => {
    const fs = new SimFs()
    let job: string | undefined
    for (let epoch = 1; epoch <= 3; epoch++) {
      const lock = await contender(fs).take()
      expect(lock.epoch).toBe(epoch)
      expect(lock.job).toBe((job ??= lock.job))
      await lock.confirm()
      await lock.release()
      expect(filesIn(fs)).toEqual([`/data/owner/epoch-000000000${epoch}`])
    }
    expect(fs.openPaths()).toEqual([])
  })

  test('an owner that runs keeps it, and is named', async () => {
    const fs = new SimFs()
    const first = await contender(fs).take()
    await expect(contender(fs).take()).rejects.toMatchObject({
      code: 'DIRECTORY_LOCKED',
      message: expect.stringMatching(/^data is in use by process 1 on simulated: stop that job, or choose/),
    })
    await first.confirm()
    expect(fs.paths()).toHaveLength(1)
  })

  test('an owner that is gone is replaced at once', async () => {
    const fs = new SimFs()
    await contender(fs).take()
    const { take, events } = contender(fs.afterKill())
    expect((await take()).epoch).toBe(2)
    expect(events.waiting).toEqual([])
  })

  test('an owner that has ended gracefully is replaced at once, even by a process on another host', async () => {
    const fs = new SimFs()
    await (await contender(fs).take()).release()
    const { take, events } = contender(fs, { fate: 'unknown' })
    expect((await take()).epoch).toBe(2)
    expect(events.waiting).toEqual([])
  })

  test('of several processes that create it concurrently exactly one gets it, the others fail with in use', async () => {
    for (let seed = 0; seed < 300; seed++) {
      const fs = new SimFs({ random: seededRandom(seed) })
      const locks = [1, 2, 3].map(() => contender(fs))
      const results = await Promise.allSettled(locks.map(({ take }) => take()))
      const owners: DirectoryLock[] = []
      for (const result of results) {
        if (result.status === 'rejected') {
          expect(result.reason, `seed ${seed}`).toMatchObject({ code: 'DIRECTORY_LOCKED' })
        } else if (
          await result.value.confirm().then(
            () => true,
            () => false,
          )
        )
          owners.push(result.value)
      }
      expect(owners, `seed ${seed}`).toHaveLength(1)
      expect(filesIn(fs)).toEqual([`/data/owner/epoch-${String(owners[0]!.epoch).padStart(10, '0')}`])
      const lost = await fs.afterPowerLoss().stat('data/owner')
      expect(lost?.kind, `seed ${seed}`).toBe('directory')
    }
  })

  test('wherever a process dies while it acquires the directory, the next one gets a higher epoch at once', async () => {
    await crashEverywhere(
      () => {
        let taken = 0
        return {
          async run(fs) {
            for (let time = 0; time < 2; time++) {
              const lock = await contender(fs).take()
              taken = lock.epoch
              await lock.release()
            }
            taken = (await contender(fs).take()).epoch
          },
          async verify(fs) {
            const { take, events } = contender(fs)
            const lock = await take()
            expect(lock.epoch).toBeGreaterThan(taken)
            expect(events.waiting).toEqual([])
            await lock.confirm()
          },
        }
      },
      { seeds: 5 },
    )
  })

  test('a process that was paused while it acquired the directory, until others had come and gone, can acquire it', async () => {
    const fs = new SimFs()
    await contender(fs).take()
    // It asks for the fate of the first owner, is paused, and continues with an outdated answer.
    const meanwhile = async (): Promise<'gone'> => {
      for (let time = 0; time < 3; time++) await (await contender(fs, { fate: 'gone' }).take()).release()
      return 'gone'
    }
    const lock = await contender(fs).take(meanwhile)
    expect(lock.epoch).toBe(5)
    expect(filesIn(fs)).toEqual(['/data/owner/epoch-0000000005'])
  })

  test('a process that was paused while it acquired the directory is rejected if another one runs by then', async () => {
    const fs = new SimFs()
    await contender(fs).take()
    let owner: DirectoryLock | undefined
    const late = contender(fs)
    const meanwhile: ProcessFacts['fateOf'] = async (process) => {
      if (owner !== undefined) return late.platform.process.fateOf(process)
      for (let time = 0; time < 2; time++) await (await contender(fs, { fate: 'gone' }).take()).release()
      owner = await contender(fs).take()
      return 'gone'
    }
    await expect(late.take(meanwhile)).rejects.toMatchObject({ code: 'DIRECTORY_LOCKED' })
    await owner!.confirm()
    expect(filesIn(fs)).toEqual(['/data/owner/epoch-0000000004'])
  })
})

describe('an owner on another host', () => {
  test('is waited for until its lease ends, and replaced if it stays silent', async () => {
    const fs = new SimFs()
    // Its clock never moves: it is frozen.
    const frozen = contender(fs)
    const first = await frozen.take()
    const { take, events, platform } = contender(fs, { fate: 'unknown' })
    const taking = settled(take(), platform.clock)
    expect(await taking).toMatchObject({ status: 'fulfilled', value: { epoch: 2 } })
    expect(events.waiting).toEqual(['process 1 on simulated for 30000 ms'])
    expect(platform.clock.monotonic()).toBe(30_000)
    await expect(first.confirm()).rejects.toMatchObject({
      code: 'DIRECTORY_LOCKED',
      message: expect.stringMatching(
        /^data was acquired by process 2 on simulated while this process was paused/,
      ),
    })
  })

  test('keeps the directory when it renews its lease', async () => {
    const fs = new SimFs()
    const alive = contender(fs)
    await alive.take()
    const { take, platform } = contender(fs, { fate: 'unknown' })
    const taking = take()
    const refused = settled(taking, platform.clock)
    // One heartbeat within the lease is enough, however late a busy process sends it.
    platform.clock.schedule(20_000, () => void alive.platform.clock.advance(5_000))
    expect(await refused).toMatchObject({
      status: 'rejected',
      reason: {
        code: 'DIRECTORY_LOCKED',
        message: expect.stringMatching(
          /is in use by process 1 on simulated: it runs on another host or in another container and has just/,
        ),
      },
    })
    expect(platform.clock.monotonic()).toBeLessThan(30_000)
    expect(alive.events.lost).toEqual([])
  })

  test('is waited for as long as the longer of two leases', async () => {
    const fs = new SimFs()
    await contender(fs, { options: { leaseMs: 90_000, heartbeatMs: 5_000 } }).take()
    const { take, events, platform } = contender(fs, { fate: 'unknown' })
    await settled(take(), platform.clock)
    expect(events.waiting).toEqual(['process 1 on simulated for 90000 ms'])
    expect(platform.clock.monotonic()).toBe(90_000)
  })

  test('the wait ends when the job is stopped', async () => {
    const fs = new SimFs()
    await contender(fs).take()
    const stopping = new AbortController()
    const { take } = contender(fs, { fate: 'unknown', signal: stopping.signal })
    const taking = take()
    stopping.abort(new Error('stopped'))
    await expect(taking).rejects.toThrow('stopped')
    expect(fs.paths()).toHaveLength(1)
  })
})

describe('the heartbeat', () => {
  test('detects once that another process has acquired the directory', async () => {
    const fs = new SimFs()
    const first = contender(fs)
    await first.take()
    await contender(fs, { fate: 'gone' }).take()
    await first.platform.clock.advance(30_000)
    expect(first.events.lost).toEqual([expect.objectContaining({ code: 'DIRECTORY_LOCKED' })])
    expect(fs.paths()).toHaveLength(1)
  })

  test('needs no space, and a failing disk is reported once', async () => {
    const fs = new SimFs()
    const { take, events, platform } = contender(fs)
    const lock = await take()
    const size = (await fs.stat('data/owner/epoch-0000000001'))!.size
    fs.capacityBytes = 0
    for (let beat = 0; beat < 100; beat++) await platform.clock.advance(5_000)
    expect(events.warnings).toEqual([])
    expect((await fs.stat('data/owner/epoch-0000000001'))!.size).toBe(size)
    for (const nth of [1, 2]) fs.failNext('write', nth)
    await platform.clock.advance(10_000)
    expect(events.warnings).toEqual([expect.stringMatching(/^the lock on data could not be renewed, so/)])
    await lock.release()
    expect(fs.openPaths()).toEqual([])
  })

  test('of a directory that was removed while the job ran reports that', async () => {
    const fs = new SimFs()
    const { take, events, platform } = contender(fs)
    await take()
    fs.lose('data/owner/epoch-0000000001')
    await platform.clock.advance(5_000)
    expect(events.lost).toEqual([
      expect.objectContaining({
        code: 'DIRECTORY_LOCKED',
        message: expect.stringMatching(/it was removed while the job ran/),
      }),
    ])
  })
})

test('a damaged file names no owner: the directory is acquired, and the previous owner can no longer confirm', async () => {
  const size = (await wholeFile()).length
  for (let at = 0; at < size - 17; at += 7) {
    const fs = new SimFs()
    const first = await contender(fs).take()
    fs.corrupt('data/owner/epoch-0000000001', at, 1)
    const { take, events } = contender(fs)
    expect((await take()).epoch).toBe(2)
    expect(events.waiting).toEqual([])
    await expect(first.confirm()).rejects.toMatchObject({ code: 'DIRECTORY_LOCKED' })
  }
})

async function wholeFile(): Promise<Uint8Array> {
  const fs = new SimFs()
  await contender(fs).take()
  return fs.peek('data/owner/epoch-0000000001')!
}
