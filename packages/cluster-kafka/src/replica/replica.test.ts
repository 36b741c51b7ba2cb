import { isMillraceError } from '@millrace/core'
import { publishFile, writeFully, type Fs } from '@millrace/core/disk'
import { SimFs } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { contentOf, directory, of, ReplicaWorld } from '../../test/replica-machine.ts'
import { dataOf } from './local-copy.ts'
import { pieceBytes } from './changelog.ts'

const root = dataOf(directory)

async function worldOf(settings?: Readonly<Record<string, string>>): Promise<ReplicaWorld> {
  const world = new ReplicaWorld()
  await world.begin(settings)
  return world
}

async function append(fs: Fs, path: string, content: string | Uint8Array): Promise<void> {
  const full = `${root}/${path}`
  await fs.makeDirectory(full.slice(0, full.lastIndexOf('/')))
  const file = await fs.open(full, 'append')
  await writeFully(file, typeof content === 'string' ? new TextEncoder().encode(content) : content, full)
  await file.sync()
  await file.close()
}

async function commit(fs: Fs, number: number): Promise<void> {
  await fs.makeDirectory(`${root}/checkpoints`)
  await publishFile(fs, `${root}/checkpoints`, `checkpoint-${number}.json`, new Uint8Array(3))
}

/** The keys of the changelog from a record on, in their order; those without a value with a minus. */
function keys(world: ReplicaWorld, from = 0): string[] {
  return world.kafka
    .records(of)
    .slice(from)
    .map(
      ({ key, value }) => `${value === null ? '-' : ''}${new TextDecoder().decode(key ?? new Uint8Array(0))}`,
    )
}

async function namesIn(fs: Fs, path: string): Promise<string[]> {
  return (await fs.list(`${root}/${path}`)).map(({ name }) => name)
}

test('a commit sends what was appended since the one before, in pieces, with the removals and the manifest', async () => {
  const world = await worldOf()
  const { fs } = await world.open(new SimFs(), 'a')
  await append(fs, 'state/one', new Uint8Array(2 * pieceBytes + 1))
  await append(fs, 'state/two', 'x')
  await commit(fs, 1)
  await append(fs, 'state/one', 'more')
  await fs.remove(`${root}/state/two`)
  await append(fs, 'empty', '')
  const before = keys(world).length
  await commit(fs, 2)
  expect(keys(world).slice(0, before)).toEqual([
    'lease',
    'state/one#0',
    'state/one#1',
    'state/one#2',
    'state/two#0',
    'checkpoints/checkpoint-1.json#0',
    'lease',
  ])
  expect(keys(world, before)).toEqual([
    '-state/two#0',
    'state/one#3',
    'empty#0',
    'checkpoints/checkpoint-2.json#0',
    'lease',
  ])
})

test('temporary files, and files outside of the data directory, are not sent', async () => {
  const world = await worldOf()
  const { fs } = await world.open(new SimFs(), 'a')
  await append(fs, 'state/one.3.tmp', 'x')
  await fs.makeDirectory(`${directory}/scratch`)
  await (await fs.open(`${directory}/scratch/added-0.records`, 'create')).close()
  await commit(fs, 1)
  expect(keys(world)).toEqual(['lease', 'checkpoints/checkpoint-1.json#0', 'lease'])
})

test('what the job removes is gone for it, stays on the disk until its removal is committed, and is back after a kill before', async () => {
  const world = await worldOf()
  const disk = new SimFs()
  const { fs } = await world.open(disk, 'a')
  await append(fs, 'state/one', 'x')
  await commit(fs, 1)
  await fs.remove(`${root}/state/one`)
  expect(await namesIn(fs, 'state')).toEqual([])
  expect(await fs.stat(`${root}/state/one`)).toBeUndefined()
  await expect(fs.open(`${root}/state/one`, 'read')).rejects.toMatchObject({ code: 'FS_NOT_FOUND' })
  await fs.removeDirectory(`${root}/state`)
  expect(await fs.stat(`${root}/state`)).toBeUndefined()
  expect(disk.peek(`${root}/state/one`)).toHaveLength(1)
  const killed = disk.afterKill()
  const { fs: next } = await world.open(killed, 'b')
  expect(await namesIn(next, 'state')).toEqual(['one'])
  await next.remove(`${root}/state/one`)
  await next.removeDirectory(`${root}/state`)
  await commit(next, 2)
  expect(await killed.stat(`${root}/state`)).toBeUndefined()
  expect(world.warnings).toEqual([])
})

test('a start after a kill undoes what was not committed, and reads only the end of the changelog', async () => {
  const world = await worldOf()
  const disk = new SimFs()
  const first = await world.open(disk, 'a')
  await append(first.fs, 'state/one', 'committed')
  await append(first.fs, 'announced-1', '')
  await commit(first.fs, 1)
  await first.close()
  const committed = await contentOf(disk)
  const { fs } = await world.open(disk, 'b')
  await append(fs, 'state/one', ' and more')
  await append(fs, 'state/two', 'new')
  await fs.rename(`${root}/announced-1`, `${root}/announced-2`)
  await fs.rename(`${root}/checkpoints/checkpoint-1.json`, `${root}/checkpoints/checkpoint-1.2.json`)
  const killed = disk.afterKill()
  await world.open(killed, 'c')
  expect(await contentOf(killed)).toEqual(committed)
  expect(world.warnings).toEqual([])
})

test('after a failed commit every change is refused with one final error, whatever the outcome was', async () => {
  for (const outcome of ['committed', 'open'] as const) {
    const world = await worldOf()
    const { fs } = await world.open(new SimFs(), 'a')
    world.kafka.loseCommit('a', outcome)
    const failed = await commit(fs, 1).catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'COMMIT_UNKNOWN', isFinal: true })
    await expect(append(fs, 'state/one', 'x')).rejects.toBe(failed)
    await expect(commit(fs, 2)).rejects.toBe(failed)
    expect(isMillraceError(failed) && failed.message).toContain('The lease is opened again')
  }
})

test('a holder that was replaced commits nothing', async () => {
  const world = await worldOf()
  const first = await world.open(new SimFs(), 'a')
  await append(first.fs, 'state/one', 'of the first')
  await world.open(new SimFs(), 'b')
  const before = keys(world)
  await expect(commit(first.fs, 1)).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
  expect(keys(world)).toEqual(before)
})

test('a holder that was replaced notes nothing of what the other one has written, and reads it when the lease comes back', async () => {
  const world = await worldOf()
  const disk = new SimFs()
  const first = await world.open(disk, 'a')
  await append(first.fs, 'state/one', 'x')
  await commit(first.fs, 1)
  const second = await world.open(new SimFs(), 'b')
  await append(second.fs, 'state/one', 'y')
  await commit(second.fs, 2)
  // The next commit looks where the changelog ends, because its note is due.
  await world.clock.advance(10_000)
  await expect(commit(first.fs, 2)).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
  await first.close()
  await world.restore(disk, 'c')
  expect(await contentOf(disk)).toEqual(await contentOf(second.fs))
})

test('a file that is overwritten is refused, because only what is appended is sent', async () => {
  const world = await worldOf()
  const { fs } = await world.open(new SimFs(), 'a')
  await append(fs, 'state/one', 'x')
  await expect(fs.open(`${root}/state/one`, 'update')).rejects.toMatchObject({ code: 'FS_DENIED' })
})

test('a file that a handle still writes to follows its rename', async () => {
  const world = await worldOf()
  const { fs } = await world.open(new SimFs(), 'a')
  await fs.makeDirectory(root)
  const file = await fs.open(`${root}/log.tmp`, 'create')
  await writeFully(file, Uint8Array.of(1), 'log')
  await fs.rename(`${root}/log.tmp`, `${root}/log`)
  await commit(fs, 1)
  await writeFully(file, Uint8Array.of(2), 'log')
  await fs.rename(`${root}/log`, `${root}/log-2`)
  await writeFully(file, Uint8Array.of(3), 'log')
  await commit(fs, 2)
  const empty = new SimFs()
  await world.restore(empty, 'b')
  expect(await contentOf(empty)).toEqual(await contentOf(fs))
  expect([...(await contentOf(empty)).entries()].find(([path]) => path === 'log-2')).toEqual([
    'log-2',
    '010203',
  ])
})

test('a file that is too short, or missing, leads to a restore from the beginning', async () => {
  for (const harm of ['cut', 'lost'] as const) {
    const world = await worldOf()
    const disk = new SimFs()
    const first = await world.open(disk, 'a')
    await append(first.fs, 'state/one', 'content')
    await commit(first.fs, 1)
    await first.close()
    // Its note says that everything so far is on the disk.
    await world.restore(disk, 'b')
    const content = await contentOf(disk)
    if (harm === 'cut') disk.put(`${root}/state/one`, 'cont')
    else disk.lose(`${root}/state/one`)
    await world.restore(disk, 'b')
    expect(world.warnings).toEqual([expect.stringContaining('pieces of state/one are missing')])
    expect(await contentOf(disk)).toEqual(content)
  }
})

test('a copy of another changelog is not taken for one of this', async () => {
  const disk = new SimFs()
  const other = await worldOf()
  const first = await other.open(disk, 'a')
  await append(first.fs, 'state/other', 'x')
  await commit(first.fs, 1)
  await first.close()
  const world = await worldOf()
  const log = { log: 'second' }
  const replica = await world.open(new SimFs(), 'a', log)
  for (let i = 1; i < 20; i++) {
    await append(replica.fs, 'state/mine', 'y')
    await commit(replica.fs, i)
  }
  await world.restore(disk, 'b')
  expect(world.warnings).toEqual([expect.stringContaining('another changelog')])
  expect((await contentOf(disk)).has('state/mine')).toBe(true)
  expect((await contentOf(disk)).has('state/other')).toBe(false)
})

test('a directory whose note is a day old is restored from the beginning, because removals may be compacted away', async () => {
  const world = await worldOf()
  const disk = new SimFs()
  const first = await world.open(disk, 'a')
  await append(first.fs, 'state/one', 'x')
  await append(first.fs, 'state/two', 'y')
  await commit(first.fs, 1)
  await first.close()
  const { fs } = await world.open(new SimFs(), 'b')
  await fs.remove(`${root}/state/one`)
  await commit(fs, 2)
  await world.clock.advance(24 * 3_600_000)
  world.kafka.compact(of.topic, 'removed')
  const copy = await world.restore(disk, 'c')
  expect(copy.isFresh).toBe(true)
  expect(await contentOf(disk)).toEqual(await contentOf(fs))
})

test('a changelog that lacks pieces of a file is refused', async () => {
  const world = await worldOf({ 'cleanup.policy': 'delete' })
  const { fs } = await world.open(new SimFs(), 'a')
  await append(fs, 'state/one', new Uint8Array(2 * pieceBytes))
  await commit(fs, 1)
  await world.port('b').deleteRecords(of, 3)
  await expect(world.restore(new SimFs(), 'b')).rejects.toMatchObject({
    code: 'CHECKPOINT_CORRUPT',
    isFinal: true,
  })
})

test('a restore reports how far it is', async () => {
  const world = await worldOf()
  const { fs } = await world.open(new SimFs(), 'a')
  for (let i = 1; i < 700; i++) {
    await append(fs, 'state/one', 'x'.repeat(100))
    await commit(fs, i)
  }
  await world.restore(new SimFs(), 'b')
  const { progress } = world
  expect(progress.length).toBeGreaterThan(2)
  expect(progress[0]!.bytes).toBeLessThan(progress[0]!.ofBytes / 2)
  expect(progress.at(-1)).toMatchObject({ remainingMs: 0 })
  expect(progress.at(-1)!.bytes).toBe(progress.at(-1)!.ofBytes)
})
