import { SimFs } from '@millrace/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { appendTo, FileWorld, SourceRun, truncate, type SplitMark } from '../test/file-world.ts'
import { readLines } from './lines.ts'

/** One thing that happens to a log, to the job that follows it, or to time. */
type Happening =
  | { readonly kind: 'write' | 'write late' | 'copy and cut'; readonly bytes: number }
  | { readonly kind: 'rotate' | 'discover' | 'checkpoint' | 'kill' }
  | { readonly kind: 'pass'; readonly ms: number }

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('write' as const), bytes: fc.integer({ min: 1, max: 40 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('write late' as const, 'copy and cut' as const),
      bytes: fc.integer({ min: 1, max: 20 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 1_500 }) }),
  },
  {
    weight: 8,
    arbitrary: fc
      .constantFrom('rotate' as const, 'discover' as const, 'checkpoint' as const, 'kill' as const)
      .map((kind) => ({ kind })),
  },
)

/** A log that a program writes to and another rotates, as lines that are all different. */
class Log {
  readonly fs: SimFs = new SimFs()
  readonly #written: string[] = []
  #count = 0
  #copies = 0
  #rest = ''
  #lateRest = ''
  rotatedAtMs = -Infinity

  /** Every line that has been written, whole or not. */
  get lines(): readonly string[] {
    return this.#written
  }

  async write(bytes: number): Promise<void> {
    this.#rest = await this.#append('auth.log', this.#rest, bytes)
  }

  /** Writes to the file that was rotated last, as a program does that has not noticed yet. */
  async writeLate(bytes: number): Promise<void> {
    if ((await this.fs.stat('auth.log.1')) !== undefined) {
      this.#lateRest = await this.#append('auth.log.1', this.#lateRest, bytes)
    }
  }

  async rotate(): Promise<void> {
    await this.finishLate()
    for (let number = 8; number > 0; number--) {
      const path = `auth.log.${number}`
      if ((await this.fs.stat(path)) !== undefined) await this.fs.rename(path, `auth.log.${number + 1}`)
    }
    if ((await this.fs.stat('auth.log')) !== undefined) await this.fs.rename('auth.log', 'auth.log.1')
    this.#lateRest = this.#rest
    this.#rest = ''
  }

  /** What logrotate's copytruncate does, with names that are used once. */
  async copyAndCut(): Promise<void> {
    this.fs.put(`old/auth.log-${this.#copies++}`, this.fs.peek('auth.log') ?? '')
    await truncate(this.fs, 'auth.log')
  }

  async finishLate(): Promise<void> {
    if (this.#lateRest !== '') await this.writeLate(Infinity)
  }

  /** Writes some bytes: the rest of the line before, and more lines, the last one perhaps in part. */
  async #append(path: string, rest: string, bytes: number): Promise<string> {
    let text = rest
    while (text.length < (bytes === Infinity ? 1 : bytes)) {
      const line = `line ${this.#count++} `.padEnd(8 + (this.#count % 9), '.')
      this.#written.push(line)
      text += `${line}\n`
    }
    const now = text.slice(0, bytes)
    await appendTo(this.fs, path, now)
    return text.slice(now.length)
  }
}

/** A job that follows the log, with checkpoints, from which it starts again when it is killed. */
class Job {
  readonly #log: Log
  readonly #pattern: string
  readonly #chunkBytes: number
  /** What checkpoints hold. */
  #committed: readonly string[] = []
  #marks: ReadonlyMap<string, SplitMark> = new Map()
  /** What the checkpoint held from which this life was started. */
  #before: readonly string[] = []
  #lives = 0
  world!: FileWorld
  run!: SourceRun<string>

  constructor(log: Log, pattern: string, chunkBytes: number) {
    this.#log = log
    this.#pattern = pattern
    this.#chunkBytes = chunkBytes
  }

  async start(): Promise<void> {
    this.#before = this.#committed
    this.world = new FileWorld(this.#log.fs, false, this.#lives++)
    const source = readLines(this.#pattern, { follow: true, archive: 'old', chunkBytes: this.#chunkBytes })
    this.run = new SourceRun(source, this.world.context)
    await this.run.restore(this.#marks)
    await this.discover()
  }

  async discover(): Promise<void> {
    await this.run.discover()
    await this.pass(0)
  }

  async pass(ms: number): Promise<void> {
    await this.world.pass(ms)
    this.run.poll(3)
    // Chunks are small, and each comes by itself; several may hold no whole line.
    for (let idle = 0, taken = this.run.values.length; idle < 4; idle++) {
      await this.world.pass(0)
      this.run.poll(3)
      if (this.run.values.length > taken) idle = 0
      taken = this.run.values.length
    }
  }

  checkpoint(): void {
    this.#marks = this.run.marks()
    this.#committed = this.all
  }

  async kill(): Promise<void> {
    await this.run.close()
    this.run = undefined as never
    await this.start()
  }

  /** What was read, less what was forgotten in a crash. */
  get all(): readonly string[] {
    return [...this.#before, ...this.run.values]
  }
}

async function happen(log: Log, job: Job, each: Happening): Promise<void> {
  switch (each.kind) {
    case 'write':
      return log.write(each.bytes)
    case 'write late':
      // The job gives such a program five seconds.
      return job.world.clock.monotonic() - log.rotatedAtMs < 3_000 ? log.writeLate(each.bytes) : undefined
    case 'pass':
      // What was begun must be finished before the job takes the file for finished.
      if (job.world.clock.monotonic() + each.ms - log.rotatedAtMs > 3_000) await log.finishLate()
      return job.pass(each.ms)
    case 'rotate':
      await log.rotate()
      log.rotatedAtMs = job.world.clock.monotonic()
      return undefined
    case 'copy and cut':
      // Enough to tell one log from another by what it holds.
      await log.write(100)
      await job.discover()
      await job.pass(400)
      job.checkpoint()
      await log.write(each.bytes)
      await log.write(Infinity)
      await log.copyAndCut()
      // Between a cut and whatever comes next the job looks at the log, as it does several times a second.
      return job.pass(400)
    case 'discover':
      return job.discover()
    case 'checkpoint':
      return job.checkpoint()
    case 'kill':
      await job.kill()
      log.rotatedAtMs = -Infinity
      return log.finishLate()
  }
}

test('EN-241 EN-242 through rotations, cuts and kills every line is read once', async () => {
  const plan = fc.record({
    happenings: fc.array(happening, { minLength: 5, maxLength: 40 }),
    chunkBytes: fc.integer({ min: 8, max: 50 }),
  })
  await fc.assert(
    fc.asyncProperty(plan, async ({ happenings, chunkBytes }) => {
      const log = new Log()
      await log.write(20)
      const job = new Job(log, 'auth.log*', chunkBytes)
      await job.start()
      for (const each of happenings) await happen(log, job, each)
      await log.finishLate()
      await log.write(Infinity)
      await job.pass(200)
      await job.discover()
      await job.pass(400)
      expect([...job.all].sort()).toEqual([...log.lines].sort())
      await job.run.close()
      expect(log.fs.openPaths()).toEqual([])
    }),
    { numRuns: 300 },
  )
})
