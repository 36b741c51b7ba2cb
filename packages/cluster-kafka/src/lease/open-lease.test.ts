import { memoryStore } from '@millrace/store-memory'
import { SimFs } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { directory, LeaseWorld, type TestProcess } from '../../test/lease-world.ts'
import { changelogTopic } from '../replica/changelog.ts'

async function worldOf(count: number): Promise<LeaseWorld> {
  const world = new LeaseWorld(count, () => memoryStore())
  await world.begin()
  return world
}

async function untilEnded(world: LeaseWorld, { lease }: TestProcess): Promise<void> {
  await world.drive(600_000, () => lease.status.phase === 'ended')
}

function epochOf({ lease }: TestProcess): number | undefined {
  return lease.status.phase === 'running' ? lease.status.epoch : undefined
}

test('a lease runs its job to the end of the input, and its results are committed once', async () => {
  const world = await worldOf(50)
  const process = world.open(new SimFs())
  await untilEnded(world, process)
  expect(await process.lease.ended).toEqual({ outcome: 'finished' })
  expect(world.results).toEqual(world.expected)
})

test('a lease that is released has made a last checkpoint, and the next holder continues there on an empty disk', async () => {
  const world = await worldOf(60)
  const first = world.open(new SimFs())
  await world.drive(25)
  const released = first.lease.release()
  await untilEnded(world, first)
  expect(await released).toEqual({ outcome: 'released' })
  const before = world.results.length
  expect(before).toBeGreaterThan(20)
  const second = world.open(new SimFs())
  await world.drive(5)
  expect(epochOf(second)).toBe(2)
  await untilEnded(world, second)
  expect(world.results).toEqual(world.expected)
})

test('sinks know a lease by the name of its changelog: its next holder has it, and a job that begins anew has another', async () => {
  const first = await worldOf(60)
  const held = first.open(new SimFs())
  await first.drive(25)
  void held.lease.release()
  await untilEnded(first, held)
  await untilEnded(first, first.open(new SimFs()))
  expect(first.jobs).toEqual([expect.stringMatching(/^sums-0-/)])
  const anew = await worldOf(60)
  // Another process, with other chance.
  await anew.follow(new SimFs())
  await untilEnded(anew, anew.open(new SimFs()))
  expect(anew.jobs).toEqual([expect.stringMatching(/^sums-0-/)])
  expect(anew.jobs).not.toEqual(first.jobs)
})

test('a lease on the disk that it had reads the changelog from its note, and has nothing to warn of', async () => {
  const world = await worldOf(60)
  const fs = new SimFs()
  const first = world.open(fs)
  await world.drive(25)
  void first.lease.release()
  await untilEnded(world, first)
  const second = world.open(fs)
  await untilEnded(world, second)
  expect(second.warnings).toEqual([])
  const read = second.events.flatMap((event) =>
    event.kind === 'status' && event.status.phase === 'restoring' ? (event.status.progress?.bytes ?? 0) : [],
  )
  const all = world.kafka.records({ topic: changelogTopic('sums'), partition: 0 })
  expect(Math.max(...read)).toBeLessThan(all.reduce((sum, { value }) => sum + (value?.length ?? 0), 0) / 2)
  expect(world.results).toEqual(world.expected)
})

test('a holder that was replaced commits nothing any more, and ends when it is lost', async () => {
  const world = await worldOf(80)
  const first = world.open(new SimFs())
  await world.drive(25)
  const second = world.open(new SimFs())
  await world.drive(5)
  expect(epochOf(second)).toBe(2)
  const seen = world.results.length
  // The first one cannot reach its next checkpoint's end before the second has made one.
  void first.lease.lost('another worker has it')
  await untilEnded(world, first)
  expect(await first.lease.ended).toEqual({ outcome: 'lost', reason: 'another worker has it' })
  expect(world.results.length).toBeGreaterThanOrEqual(seen)
  await untilEnded(world, second)
  expect(world.results).toEqual(world.expected)
})

test.each(['committed', 'open'] as const)(
  'a lease whose commit was not answered, and is %s, opens itself again and continues exactly there',
  async (outcome) => {
    const world = await worldOf(80)
    const process = world.open(new SimFs())
    await world.drive(25)
    world.kafka.loseCommit(process.name, outcome)
    await world.drive(100, () => process.lease.status.phase === 'waiting')
    expect(process.lease.status).toMatchObject({ phase: 'waiting', error: { code: 'COMMIT_UNKNOWN' } })
    await world.drive(10_000, () => process.lease.status.phase === 'running')
    expect(epochOf(process)).toBe(2)
    await untilEnded(world, process)
    expect(world.results).toEqual(world.expected)
  },
)

test('a lease that is released while it waits for its cluster ends, and frees the directory', async () => {
  const world = await worldOf(10)
  const fs = new SimFs()
  world.kafka.disconnect('process 1')
  const first = world.open(fs)
  await world.drive(100)
  void first.lease.release()
  await world.drive(100, () => first.lease.status.phase === 'ended')
  expect(await first.lease.ended).toEqual({ outcome: 'released' })
  first.stop()
  const second = world.open(fs)
  await untilEnded(world, second)
  expect(world.results).toEqual(world.expected)
})

test('two leases in one directory are refused', async () => {
  const world = await worldOf(30)
  const fs = new SimFs()
  const first = world.open(fs)
  await world.drive(5)
  const second = world.open(fs)
  await untilEnded(world, second)
  expect(await second.lease.ended).toMatchObject({ outcome: 'failed', error: { code: 'DIRECTORY_LOCKED' } })
  await untilEnded(world, first)
  expect(world.results).toEqual(world.expected)
})

test('what a failed run of the job has added to a transaction is not committed by the next one', async () => {
  const world = await worldOf(60)
  const process = world.open(new SimFs())
  await world.drive(25)
  world.refusals = 1
  await untilEnded(world, process)
  expect(process.events.some((event) => event.kind === 'job' && event.event.kind === 'failed')).toBe(true)
  expect(world.results).toEqual(world.expected)
})

test('a damaged file on the disk leads to a restore from the changelog, and not to an older checkpoint', async () => {
  const world = await worldOf(60)
  const fs = new SimFs()
  const first = world.open(fs)
  await world.drive(35)
  void first.lease.release()
  await untilEnded(world, first)
  // Notes that the disk has everything so far.
  const standby = await world.follow(fs)
  await world.drive(1)
  await standby.close()
  // Only the newest checkpoint needs it, so the job could start from the one before.
  const newest = fs.paths().findLast((path) => path.includes('/data/state/'))!
  fs.corrupt(newest, fs.peek(newest)!.length - 10, 0xff)
  const second = world.open(fs)
  await untilEnded(world, second)
  expect(await second.lease.ended).toEqual({ outcome: 'finished' })
  const damage = { kind: 'status', status: { phase: 'waiting', error: { code: 'CHECKPOINT_CORRUPT' } } }
  expect(
    second.events.find((event) => event.kind === 'status' && event.status.phase === 'waiting'),
  ).toMatchObject(damage)
  expect(world.results).toEqual(world.expected)
})

test('a standby keeps a directory up to date, so that a lease there reads little', async () => {
  const world = await worldOf(80)
  const first = world.open(new SimFs())
  const fs = new SimFs()
  const standby = await world.follow(fs)
  await world.drive(40)
  first.platform.fs.afterKill()
  world.kafka.disconnect(first.name)
  first.stop()
  void first.lease.lost('killed')
  await world.drive(1)
  expect(standby.behind).toBe(0)
  await standby.close()
  expect(fs.paths().some((path) => path.includes('/data/state/'))).toBe(true)
  const second = world.open(fs)
  await untilEnded(world, second)
  expect(second.warnings).toEqual([])
  expect(world.results).toEqual(world.expected)
})

test('the directory has nothing beside what the changelog has, apart from the lock and the note', async () => {
  const world = await worldOf(30)
  const fs = new SimFs()
  await untilEnded(world, world.open(fs))
  const beside = fs.paths().filter((path) => !path.includes(`${directory}/data/`))
  expect(beside.map((path) => path.replace(/^.*lease-0\//, ''))).toEqual([
    'image.json',
    expect.stringMatching(/^owner\/epoch-\d+$/),
  ])
})

test('a lease that has ended in a run does not run again in it, and runs in the next one', async () => {
  const world = await worldOf(30)
  const phasesOf = ({ events }: TestProcess): readonly string[] =>
    events.flatMap((event) => (event.kind === 'status' ? event.status.phase : []))
  const first = world.open(new SimFs(), { run: 'one' })
  await untilEnded(world, first)
  const second = world.open(new SimFs(), { run: 'one' })
  await untilEnded(world, second)
  expect(second.lease.status).toEqual({ phase: 'ended', end: { outcome: 'finished' } })
  expect(phasesOf(second)).not.toContain('running')
  // A holder that begins the next run and dies before its first checkpoint has not ended it.
  const third = world.open(new SimFs(), {
    run: 'two',
    onEvent: (event) => {
      if (event.kind === 'status' && event.status.phase === 'running')
        void third.lease.lost('its process has ended')
    },
  })
  await untilEnded(world, third)
  const fourth = world.open(new SimFs(), { run: 'two' })
  await untilEnded(world, fourth)
  expect(phasesOf(fourth)).toContain('running')
  expect(world.results).toEqual(world.expected)
})
