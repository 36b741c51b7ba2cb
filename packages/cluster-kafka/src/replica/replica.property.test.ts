import { env } from 'node:process'
import { KafkaFailure } from '@millrace/connector-kafka/port'
import { isMillraceError } from '@millrace/core'
import { publishFile, writeFully, type Fs } from '@millrace/core/disk'
import { SimFs, SimulatedCrash } from '@millrace/testkit'
import { seededRandom } from '@millrace/world'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { contentOf, directory, of, ReplicaWorld } from '../../test/replica-machine.ts'
import { dataOf } from './local-copy.ts'
import type { Replica } from './replica.ts'

const root = dataOf(directory)
const paths = ['state/a', 'state/b', 'state/deep/c', 'connectors/x/d', 'e']

const path = fc.constantFrom(...paths)
const change = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('append'), path, size: fc.nat(40), isSynced: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove'), path }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('rename'), path, to: path }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('cut'),
      path,
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('publishOther'), path, size: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('removeDirectory'), path }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('commit'),
      loss: fc.constantFrom(undefined, undefined, undefined, 'committed', 'open'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.constantFrom(5_000, 20_000) }) },
)
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never

const session = fc.record({
  machine: fc.nat(1),
  changes: fc.array(change, { maxLength: 25 }),
  /** Dies at that operation of the disk, if there are so many. */
  crashAt: fc.option(fc.integer({ min: 1, max: 150 }), { nil: undefined }),
  isClosed: fc.boolean(),
  end: fc.constantFrom('kill', 'power', 'noDisk', 'oldDisk'),
  compaction: fc.constantFrom('none', 'compact', 'compactAll'),
  seed: fc.nat(1_000),
})
type Session = typeof session extends fc.Arbitrary<infer T> ? T : never

/** What the changelog must have, and the disks of two machines. */
class Trial {
  readonly world = new ReplicaWorld()
  readonly disks: SimFs[] = [new SimFs(), new SimFs()]
  readonly oldDisks: (SimFs | undefined)[] = [undefined, undefined]
  expected = new Map<string, string>()
  #bytes = 0
  #commits = 0

  async run({ machine, changes, crashAt, isClosed, end, compaction, seed }: Session): Promise<void> {
    const fs = this.disks[machine]!
    if (crashAt !== undefined) fs.crashAt(fs.operations + crashAt)
    const process = `machine ${machine}`
    try {
      const replica = await this.world.open(fs, process)
      expect(await contentOf(fs)).toEqual(this.expected)
      for (const each of changes) await this.#apply(replica, each, process)
      if (isClosed) await replica.close()
    } catch (error) {
      if (!isEnd(error)) throw error
    }
    this.disks[machine] = this.#after(machine, fs, end, seed)
    if (compaction !== 'none') {
      // Tombstones are kept for a day.
      if (compaction === 'compactAll') await this.world.clock.advance(24 * 3_600_000)
      this.world.kafka.compact(of.topic, compaction === 'compactAll' ? 'removed' : 'kept')
    }
  }

  #after(machine: number, fs: SimFs, end: Session['end'], seed: number): SimFs {
    const next = end === 'power' ? fs.afterPowerLoss(seededRandom(seed)) : fs.afterKill()
    if (end === 'noDisk') return new SimFs()
    if (end !== 'oldDisk') return next
    const old = this.oldDisks[machine]
    this.oldDisks[machine] = fs.afterKill()
    return old ?? next
  }

  async #apply(replica: Replica, each: Change, process: string): Promise<void> {
    if (each.kind === 'wait') return this.world.clock.advance(each.ms)
    if (each.kind === 'commit') return this.#commit(replica, each.loss, process)
    try {
      await this.#change(replica.fs, each)
    } catch (error) {
      const codes = ['FS_NOT_FOUND', 'FS_EXISTS'] as const
      if (!codes.some((code) => isMillraceError(error, code))) throw error
    }
  }

  async #change(fs: Fs, each: Exclude<Change, { kind: 'commit' | 'wait' }>): Promise<void> {
    const full = `${root}/${each.path}`
    switch (each.kind) {
      case 'append': {
        await fs.makeDirectory(parent(full))
        const file = await fs.open(full, 'append')
        await writeFully(file, this.#some(each.size), full)
        if (each.isSynced) await file.sync()
        return file.close()
      }
      case 'remove':
        return fs.remove(full)
      case 'rename':
        await fs.makeDirectory(parent(`${root}/${each.to}`))
        return fs.rename(full, `${root}/${each.to}`)
      case 'cut': {
        if ((await fs.stat(full)) === undefined) return
        const file = await fs.open(full, 'append')
        await file.truncate(Math.floor((await file.size()) * each.part))
        return file.close()
      }
      case 'publishOther':
        await fs.makeDirectory(parent(full))
        return publishFile(fs, parent(full), full.slice(parent(full).length + 1), this.#some(each.size))
      case 'removeDirectory':
        return fs.removeDirectory(parent(full))
    }
  }

  async #commit(replica: Replica, loss: 'committed' | 'open' | undefined, process: string): Promise<void> {
    const { fs } = replica
    await fs.makeDirectory(`${root}/checkpoints`)
    const name = `checkpoint-${++this.#commits}.json`
    const after = await contentOf(fs)
    after.set(`checkpoints/${name}`, Buffer.from(`manifest ${this.#commits}`).toString('hex'))
    if (loss !== undefined) this.world.kafka.loseCommit(process, loss)
    const ends = this.world.kafka.records(of).length
    try {
      await publishFile(
        fs,
        `${root}/checkpoints`,
        name,
        new TextEncoder().encode(`manifest ${this.#commits}`),
      )
    } finally {
      // The answer may be lost, or the machine may die behind the commit.
      if (this.world.kafka.records(of).length > ends) this.expected = after
    }
  }

  #some(size: number): Uint8Array {
    return Uint8Array.from({ length: size }, () => this.#bytes++ % 251)
  }
}

/** A machine dies, or the outcome of a commit is not known. */
function isEnd(error: unknown): boolean {
  return (
    error instanceof SimulatedCrash ||
    error instanceof KafkaFailure ||
    isMillraceError(error, 'COMMIT_UNKNOWN')
  )
}

function parent(full: string): string {
  return full.slice(0, full.lastIndexOf('/'))
}

test('a directory is what was committed, after crashes, lost answers, on other disks and after compaction', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(session, { minLength: 1, maxLength: 6 }), async (sessions) => {
      const trial = new Trial()
      await trial.world.begin()
      for (const each of sessions) await trial.run(each)
      for (const fs of [...trial.disks, new SimFs()]) {
        fs.heal()
        await trial.world.restore(fs, 'last')
        expect(await contentOf(fs)).toEqual(trial.expected)
      }
    }),
    { numRuns: env['MILLRACE_TEST_LEVEL'] === 'full' ? 2_000 : 100 },
  )
})
