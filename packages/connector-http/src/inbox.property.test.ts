import { crashEverywhere, SimFs, type CrashTrial } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openLife, request, take, type InboxLife } from '../test/inbox-life.ts'
import type { InboxPosition } from './inbox-position.ts'

/** One step in the life of an inbox. The client numbers its records in the order it sends them. */
type Step =
  /** Clients send requests with these numbers of records concurrently. */
  | { readonly kind: 'send'; readonly sizes: readonly number[] }
  /** The job reads up to this many records. */
  | { readonly kind: 'read'; readonly limit: number }
  /** A checkpoint with the reader's position completes and is acknowledged. */
  | { readonly kind: 'checkpoint' }
  /** The job ends and restarts from the last checkpoint. */
  | { readonly kind: 'restart' }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('send' as const),
        sizes: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('read' as const), limit: fc.integer({ min: 1, max: 12 }) }),
    },
    { weight: 2, arbitrary: fc.constant({ kind: 'checkpoint' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  ),
  { maxLength: 25 },
)

const padding = 'x'.repeat(150)

/**
 * Clients and a job over one inbox. A record counts once a checkpoint covers it; after a restart or a crash
 * the job resumes from the checkpoint and reads later records again.
 */
class InboxStory implements CrashTrial {
  readonly #steps: readonly Step[]
  #sent = 0
  /** The requests that were sent, as lists of record numbers, and those that were acknowledged. */
  readonly #requests: { readonly records: readonly number[]; isAcknowledged: boolean }[] = []
  /** The checkpoint: everything read until then, and where to resume. */
  #checkpoint: { readonly read: readonly number[]; readonly position: InboxPosition | undefined } = {
    read: [],
    position: undefined,
  }
  /** A checkpoint may complete without its acknowledgement: positions only advance in `#checkpoint`. */
  #read: number[] = []

  constructor(all: readonly Step[]) {
    this.#steps = all
  }

  async run(fs: SimFs): Promise<void> {
    let life = await this.#open(fs)
    for (const step of this.#steps) {
      if (step.kind === 'send') await this.#send(life, step.sizes)
      else if (step.kind === 'read') await this.#take(life, step.limit)
      else if (step.kind === 'checkpoint') {
        this.#checkpoint = { read: [...this.#read], position: life.reader.position() }
        await life.reader.acknowledge(life.reader.position())
      } else {
        await life.reader.close()
        life = await this.#open(fs)
      }
    }
    await life.reader.close()
  }

  async verify(fs: SimFs): Promise<void> {
    const { position } = this.#checkpoint
    const life = await openLife({ fs, segmentBytes: 600, ...(position && { from: position }) })
    const read = [...this.#checkpoint.read, ...((await take(life)) as [number, string][]).map(([id]) => id)]
    // The inbox still works.
    await life.inbox.append(request([[-1, '']]))
    expect(await take(life)).toEqual([[-1, '']])
    expect(life.inbox.remembered.list().length).toBeLessThanOrEqual(100)
    await life.reader.close()
    this.#judge(read)
  }

  /**
   * Every acknowledged request is read once and complete, others once and complete or not at all, in order,
   * and nothing else.
   */
  #judge(read: readonly number[]): void {
    const expected: number[] = []
    const found = new Set(read)
    for (const { records, isAcknowledged } of this.#requests) {
      if (isAcknowledged || records.some((id) => found.has(id))) expected.push(...records)
    }
    expect(read).toEqual(expected)
  }

  async #open(fs: SimFs): Promise<InboxLife> {
    const { position, read } = this.#checkpoint
    this.#read = [...read]
    return openLife({ fs, segmentBytes: 600, ...(position && { from: position }) })
  }

  async #send({ inbox }: InboxLife, sizes: readonly number[]): Promise<void> {
    await Promise.all(
      sizes.map(async (size) => {
        const records = Array.from({ length: size }, () => this.#sent++)
        const sent = { records, isAcknowledged: false }
        this.#requests.push(sent)
        await inbox.append(request(records.map((id) => [id, padding])))
        sent.isAcknowledged = true
      }),
    )
  }

  async #take(life: InboxLife, limit: number): Promise<void> {
    for (const [id] of (await take(life, limit)) as [number, string][]) this.#read.push(id)
  }
}

describe('the inbox under random steps', () => {
  test('delivers every acknowledged record exactly once and invents none', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const story = new InboxStory(all)
        const fs = new SimFs()
        await story.run(fs)
        await story.verify(fs)
      }),
      { numRuns: 150 },
    )
  })

  test('does so after a crash at every file operation', async () => {
    let outcomes = 0
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const report = await crashEverywhere(() => new InboxStory(all), { seeds: 2 })
        outcomes += report.outcomes
      }),
      { numRuns: 8 },
    )
    expect(outcomes).toBeGreaterThan(1_000)
  })

  test('does so while the disk is full at times, and writes are short', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ room: fc.integer({ min: 0, max: 900 }), size: fc.integer({ min: 1, max: 4 }) }),
          {
            maxLength: 20,
          },
        ),
        fc.integer({ min: 1, max: 200 }),
        async (all, writeBytesMax) => {
          const fs = new SimFs()
          fs.writeBytesMax = writeBytesMax
          const life = await openLife({ fs, segmentBytes: 600 })
          const accepted: unknown[] = []
          for (const [i, { room, size }] of all.entries()) {
            fs.capacityBytes = usedBytes(fs) + room
            const records = Array.from({ length: size }, (_, record) => [i, record, padding])
            await life.inbox.append(request(records)).then(
              () => accepted.push(...records),
              () => undefined,
            )
          }
          expect(await take(life)).toEqual(accepted)
          fs.capacityBytes = Infinity
          expect(await take(await openLife({ fs: fs.afterPowerLoss(), segmentBytes: 600 }))).toEqual(accepted)
        },
      ),
    )
  })
})

function usedBytes(fs: SimFs): number {
  return fs.paths().reduce((sum, path) => sum + (fs.peek(path)?.length ?? 0), 0)
}
