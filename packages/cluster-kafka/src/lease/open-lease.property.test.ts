import { env } from 'node:process'
import { memoryStore } from '@millrace/store-memory'
import { diskStore } from '@millrace/store-disk'
import { SimFs } from '@millrace/testkit'
import { seededRandom } from '@millrace/world'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LeaseWorld, type TestProcess } from '../../test/lease-world.ts'
import { changelogTopic } from '../replica/changelog.ts'
import { dataOf } from '../replica/local-copy.ts'
import { readTree } from '../replica/directory-tree.ts'
import { restoreDirectory } from '../replica/restore.ts'
import { readWhole, type Fs } from '@millrace/core/disk'

const happening = fc.constantFrom(
  'kill',
  'power',
  'lostCommitted',
  'lostOpen',
  'release',
  'takeOver',
  'zombie',
  'poison',
  'refuse',
  'cut',
  'standby',
)

const step = fc.record({
  afterMs: fc.integer({ min: 0, max: 60 }),
  happening,
  /** The disk of the next process: of one of two machines, as it is or as it was some time ago, or an empty one. */
  disk: fc.constantFrom('first', 'second', 'oldFirst', 'empty'),
  crashAfter: fc.nat(40),
  compaction: fc.boolean(),
  seed: fc.nat(1_000),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

class Trial {
  readonly world: LeaseWorld
  readonly disks = { first: new SimFs(), second: new SimFs(), oldFirst: new SimFs() }
  #at: 'first' | 'second' = 'first'
  #holder: TestProcess | undefined

  constructor(world: LeaseWorld) {
    this.world = world
  }

  async run(steps: readonly Step[]): Promise<void> {
    await this.world.begin()
    for (const each of steps) {
      this.#holder ??= this.#open(each)
      await this.world.drive(each.afterMs)
      await this.#happen(each, this.#holder)
      if (each.compaction) this.world.kafka.compact(changelogTopic('sums'))
    }
    const last = this.#holder ?? this.world.open(this.disks.first)
    await this.world.drive(600_000, () => last.lease.status.phase === 'ended')
    expect(last.lease.status).toEqual({ phase: 'ended', end: { outcome: 'finished' } })
    expect(this.world.results).toEqual(this.world.expected)
    await this.#compareDisk(last.platform.fs)
  }

  #open({ disk }: Step): TestProcess {
    if (disk === 'empty') this.disks.second = new SimFs()
    if (disk === 'oldFirst') [this.disks.first, this.disks.oldFirst] = [this.disks.oldFirst, this.disks.first]
    this.#at = disk === 'empty' || disk === 'second' ? 'second' : 'first'
    return this.world.open(this.disks[this.#at])
  }

  async #happen(each: Step, holder: TestProcess): Promise<void> {
    const { lease, name } = holder
    switch (each.happening) {
      case 'kill':
      case 'power':
        return this.#crash(each, holder)
      case 'lostCommitted':
        return this.world.kafka.loseCommit(name, 'committed')
      case 'lostOpen':
        return this.world.kafka.loseCommit(name, 'open')
      case 'poison':
        this.world.poison ??= this.world.results.length + each.crashAfter
        return
      case 'refuse':
        this.world.refusals = 1
        return
      case 'cut':
        this.world.kafka.disconnect(name)
        await this.world.drive(each.crashAfter)
        return this.world.kafka.reconnect(name)
      case 'release':
        void lease.release()
        await this.world.drive(600_000, () => lease.status.phase === 'ended')
        return this.#forget()
      case 'takeOver':
        // The earlier one still runs, and is heard of no more.
        void lease.lost('taken over')
        await this.world.drive(100, () => lease.status.phase === 'ended')
        return this.#forget()
      case 'zombie':
        return this.#replace(each, holder)
      case 'standby':
        return this.#follow(each)
    }
  }

  /** The process dies in an operation of its disk, or between two. */
  async #crash({ happening: how, crashAfter, seed }: Step, holder: TestProcess): Promise<void> {
    const { fs } = holder.platform
    if (crashAfter > 0) fs.crashAt(fs.operations + crashAfter)
    await this.world.drive(20, () => fs.hasCrashed)
    this.disks.oldFirst = this.#at === 'first' ? fs.afterKill() : this.disks.oldFirst
    this.disks[this.#at] = how === 'kill' ? fs.afterKill() : fs.afterPowerLoss(seededRandom(seed))
    this.#bury(holder)
  }

  /** Another process opens the lease while the holder runs: for a while both believe that they hold it. */
  async #replace({ crashAfter }: Step, holder: TestProcess): Promise<void> {
    this.#at = this.#at === 'first' ? 'second' : 'first'
    const next = this.world.open(this.disks[this.#at])
    await this.world.drive(crashAfter)
    const before = this.world.results
    void holder.lease.lost('another worker has it')
    await this.world.drive(100, () => holder.lease.status.phase === 'ended')
    expect(this.world.results.slice(0, before.length)).toEqual(before)
    this.#holder = next
  }

  /** A standby runs on the other machine for a while, and is closed before the lease may come there. */
  async #follow({ crashAfter }: Step): Promise<void> {
    const standby = await this.world.follow(this.disks[this.#at === 'first' ? 'second' : 'first'])
    await this.world.drive(crashAfter)
    await standby.close()
  }

  #bury(holder: TestProcess): void {
    this.world.kafka.disconnect(holder.name)
    holder.stop()
    void holder.lease.lost('its process has ended')
    this.#holder = undefined
  }

  #forget(): void {
    this.#holder = undefined
  }

  async #compareDisk(fs: SimFs): Promise<void> {
    const empty = new SimFs()
    const { world } = this
    const copy = await restoreDirectory({
      platform: { fs: empty, clock: world.clock },
      directory: 'lease-0',
      of: { topic: changelogTopic('sums'), partition: 0 },
      port: world.port('reader'),
      signal: new AbortController().signal,
      progress: () => {},
      warn: () => {},
    })
    expect(copy.isFresh).toBe(true)
    const restored = await contentOf(empty)
    const kept = await contentOf(fs)
    // What the job has changed after its last checkpoint is not committed: old files are still in the changelog.
    for (const [path, content] of kept) if (restored.has(path)) expect(restored.get(path)).toEqual(content)
    expect(restored.size).toBeGreaterThan(0)
  }
}

async function contentOf(fs: Fs): Promise<ReadonlyMap<string, Uint8Array>> {
  const root = dataOf('lease-0')
  const content = new Map<string, Uint8Array>()
  for (const path of (await readTree(fs, root)).files.keys())
    content.set(path, await readWhole(fs, `${root}/${path}`))
  return content
}

const stores = {
  memory: () => memoryStore({ segmentBytes: 4_096 }),
  disk: () => diskStore({ segmentBytes: 4_096 }),
}

test.each(['memory', 'disk'] as const)(
  'every result is committed once with the %s store, after crashes, lost answers and replaced holders on any disk',
  { timeout: 600_000 },
  async (store) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        await new Trial(new LeaseWorld(150, stores[store])).run(steps)
      }),
      { numRuns: env['MILLRACE_TEST_LEVEL'] === 'full' ? 500 : 15 },
    )
  },
)
