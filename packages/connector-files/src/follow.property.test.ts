import { isMillraceError } from '@millrace/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FileWorld, SourceRun, type SplitMark } from '../test/file-world.ts'
import { RotatedLog, Sightings } from '../test/rotated-log.ts'
import { readLines } from './lines.ts'
import type { FilePosition } from './position.ts'
import type { ReadOptions } from './read-options.ts'

// A log is appended to, truncated, copied and truncated, renamed and moved in any mix, while a job follows
// it, is killed and restarts. The log knows which lines the job could have seen.

/** One step of the log, of the job that follows it, or of time. */
type Happening =
  | { readonly kind: 'write' | 'write late'; readonly bytes: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: (typeof changes)[number] | (typeof jobs)[number] }

const changes = ['cut', 'copy and cut', 'copy beside and cut', 'rotate', 'move'] as const
const jobs = ['look', 'look', 'look', 'discover', 'reopen', 'checkpoint', 'kill'] as const

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('write' as const), bytes: fc.integer({ min: 1, max: 200 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('write late' as const),
      bytes: fc.integer({ min: 1, max: 20 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 1_500 }) }),
  },
  { weight: 4, arbitrary: fc.constantFrom(...changes).map((kind) => ({ kind })) },
  { weight: 6, arbitrary: fc.constantFrom(...jobs).map((kind) => ({ kind })) },
)

/** A job that follows the log with checkpoints, from which it restarts when it is killed or has stopped. */
class Job {
  readonly #log: RotatedLog
  readonly #pattern: string
  readonly #options: ReadOptions
  #ifGone: 'stop' | 'skip' = 'stop'
  /** The content of the checkpoint. */
  #committed: readonly string[] = []
  #marks: ReadonlyMap<string, SplitMark> = new Map()
  #sightingsThen = new Sightings()
  /** The checkpoint from which this run was started. */
  #before: readonly string[] = []
  #lives = 0
  /** What this run and its checkpoint have seen. */
  sightings = new Sightings()
  rotatedAtMs = -Infinity
  /** Whether it has known a file that was the log. */
  knowsLog = false
  world!: FileWorld
  run!: SourceRun<string>

  constructor(log: RotatedLog, pattern: string, chunkBytes: number) {
    this.#log = log
    this.#pattern = pattern
    this.#options = { follow: true, archive: 'old', chunkBytes }
  }

  /** Starts a run; it may stop. */
  async start(): Promise<void> {
    // Without a file of the log in the checkpoint, the job cannot know of content before this run.
    this.knowsLog = [...this.#marks.values()].some(
      ({ position, isFinished }) => !isFinished && (position as FilePosition).path === 'auth.log',
    )
    if (!this.knowsLog) this.#log.forget()
    this.#before = this.#committed
    this.sightings = this.#sightingsThen
    this.rotatedAtMs = -Infinity
    this.world = new FileWorld(this.#log.fs, false, this.#lives++)
    const source = readLines(this.#pattern, { ...this.#options, ifGone: this.#ifGone })
    this.run = new SourceRun(source, this.world.context)
    await this.run.restore(this.#marks)
    await this.look()
  }

  /** Finds every file, and reads the available data. */
  async look(): Promise<void> {
    await this.discover()
    await this.pass(400)
    this.sightings = this.sightings.afterLook(this.#log)
  }

  async discover(): Promise<void> {
    await this.run.discover()
    this.knowsLog ||= await this.#log.exists()
    await this.pass(0)
  }

  async pass(ms: number): Promise<void> {
    await this.world.pass(ms)
    this.run.poll(3)
    // Chunks are small, and each arrives separately; several may contain no complete line.
    for (let idle = 0, taken = this.run.values.length; idle < 8; idle++) {
      await this.world.pass(0)
      this.run.poll(3)
      if (this.run.values.length > taken || !this.run.isCaughtUp) idle = 0
      taken = this.run.values.length
    }
  }

  checkpoint(): void {
    this.#marks = this.run.marks()
    this.#committed = this.all
    this.#sightingsThen = this.sightings
  }

  async kill(): Promise<void> {
    await this.run.close()
    await this.start()
  }

  /** After a stop because lines may be lost, lets the job continue without them. */
  async skip(): Promise<void> {
    this.#ifGone = 'skip'
    await this.kill()
  }

  /** The lines that were read, without those that a crash has undone. */
  get all(): readonly string[] {
    return [...this.#before, ...this.run.values]
  }
}

async function happen(log: RotatedLog, job: Job, each: Happening): Promise<void> {
  if ((changes as readonly string[]).includes(each.kind) && !job.knowsLog) await log.takeEarly()
  switch (each.kind) {
    case 'write':
      return log.write(each.bytes)
    case 'write late':
      // The job gives such a program five seconds.
      return job.world.clock.monotonic() - job.rotatedAtMs < 3_000 ? log.writeLate(each.bytes) : undefined
    case 'pass':
      // A started write must end before the job considers the file finished.
      if (job.world.clock.monotonic() + each.ms - job.rotatedAtMs > 3_000) await log.finishLate()
      return job.pass(each.ms)
    case 'look':
      if (job.world.clock.monotonic() + 400 - job.rotatedAtMs > 3_000) await log.finishLate()
      return job.look()
    case 'rotate':
      await log.finish()
      await log.rotate()
      job.rotatedAtMs = job.world.clock.monotonic()
      return undefined
    case 'move':
      return log.move()
    case 'cut':
      return log.cut(undefined)
    case 'copy and cut':
      return log.cut('old/auth.log-')
    case 'copy beside and cut':
      return log.cut('auth-')
    case 'discover':
      return job.discover()
    case 'reopen':
      return job.run.reopen()
    case 'checkpoint':
      return job.checkpoint()
    case 'kill':
      await log.finishLate()
      return job.kill()
  }
}

test('EN-241 EN-242 through rotations, truncations and kills every visible line is read once, or the job stops', async () => {
  const plan = fc.record({
    happenings: fc.array(happening, { minLength: 5, maxLength: 40 }),
    chunkBytes: fc.integer({ min: 64, max: 200 }),
    pattern: fc.constantFrom('auth.log', 'auth.log*'),
  })
  await fc.assert(
    fc.asyncProperty(plan, async ({ happenings, chunkBytes, pattern }) => {
      const log = new RotatedLog(pattern === 'auth.log*')
      await log.write(20)
      const job = new Job(log, pattern, chunkBytes)
      /** Whether a run has stopped, so that lines of contents that may stop a job are skipped. */
      let hasStopped = false
      const attempt = async (act: () => Promise<void>): Promise<void> => {
        try {
          return await act()
        } catch (error) {
          if (!isMillraceError(error, 'SOURCE_FAILED') || hasStopped) throw error
          if (!log.contents.some((content) => job.sightings.mayStop(content))) throw error
        }
        hasStopped = true
        await job.skip()
      }
      await attempt(() => job.start())
      for (const each of happenings) await attempt(() => happen(log, job, each))
      await attempt(async () => {
        await log.finishLate()
        // A file that was removed before it was seen is noticed when there is a next one.
        await log.write(1)
        await log.finish()
        await job.look()
        await job.world.pass(6_000)
        await job.look()
      })
      const skipped = log.contents.filter((content) => hasStopped && job.sightings.mayStop(content))
      const spared = new Set([
        ...job.sightings.unseen(log),
        ...skipped.flatMap(({ lines }) => lines.map(({ text }) => text)),
      ])
      // A line that was truncated while it was written may have counted as the last one.
      const isHalf = (line: string): boolean =>
        !log.lines.includes(line) && [...spared].some((each) => each.startsWith(line))
      const read = job.all.filter((line) => !isHalf(line)).sort()
      expect(read).toEqual([...new Set(read)])
      expect(log.lines.filter((line) => !spared.has(line) && !read.includes(line))).toEqual([])
      await job.run.close()
      expect(log.fs.openPaths()).toEqual([])
    }),
    {
      numRuns: 300,
      // The copy is made in the same millisecond as the last check of the log.
      examples: [
        [
          {
            happenings: [
              { kind: 'cut' },
              { kind: 'look' },
              { kind: 'write', bytes: 129 },
              { kind: 'reopen' },
              { kind: 'write late', bytes: 1 },
              { kind: 'copy and cut' },
            ],
            chunkBytes: 64,
            pattern: 'auth.log*',
          },
        ],
      ],
    },
  )
})
