import type { Key } from '@millrace/core'
import type { Job, View } from '@millrace/core/job'
import { pipeline, type PipelineBuilder } from '@millrace/flow'
import { diskStore } from '@millrace/store-disk'
import { memoryStore } from '@millrace/store-memory'
import { simPlatform, simWorkers } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { pacedSource } from './paced-source.ts'
import { live, nextLife, type LifeOptions, type SimulatedLife } from './simulated-job.ts'

const numbers = Array.from({ length: 300 }, (_, n) => n)
const isDeleted = (n: number): boolean => n % 17 === 0

/** The newest number of each remainder of 11, unless it deletes the row. */
const newest =
  (tap: (n: number) => void = () => {}) =>
  (p: PipelineBuilder): void => {
    p.from('numbers', pacedSource({ all: numbers }, 2))
      .tap(tap)
      .keyBy((n) => n % 11)
      .toTable('newest', { deleteIf: isDeleted })
      .map((n) => `row ${n}`)
      .toView('rows')
  }

/** Runs a job whose threads have pipelines of their own, as real ones do: what they keep, the program cannot see. */
function lived(build: (p: PipelineBuilder) => void, options: LifeOptions): Promise<SimulatedLife> {
  const { platform = simPlatform({ seed: options.seed ?? 1 }), threads = 1 } = options
  const { graph } = pipeline('test', build).describe()
  const workers = threads > 1 ? { workers: simWorkers({ graph, platform, store: memoryStore() }) } : {}
  return live(build, { ...options, ...workers, platform })
}

/** What the view must have after all numbers. */
const expected = rowsAfter(numbers)

function rowsAfter(all: readonly number[]): Map<Key, unknown> {
  const rows = new Map<Key, unknown>()
  for (const n of all) {
    if (isDeleted(n)) rows.delete(n % 11)
    else rows.set(n % 11, `row ${n}`)
  }
  return rows
}

const sorted = (rows: Iterable<readonly [Key, unknown]>): readonly unknown[] =>
  [...rows].toSorted(([a], [b]) => Number(a) - Number(b))

/** A copy of a view that a subscriber keeps, and the view itself, when all input is processed. */
function watching(): LifeOptions & { readonly copy: Map<Key, unknown>; readonly seen: unknown[] } {
  const copy = new Map<Key, unknown>()
  const seen: unknown[] = []
  return {
    copy,
    seen,
    onEvent: (event, job) => {
      const view = job.view('rows')
      if (event.kind === 'started' && event.restoredFrom === undefined) keep(view, copy)
      if (event.kind === 'stopping') seen.push(sorted(view.entries()), view.size, view.get(5), view.get('5'))
    },
  }
}

function keep(view: View<unknown, Key>, copy: Map<Key, unknown>): void {
  view.subscribe((update) => {
    if (update.kind === 'restored') {
      copy.clear()
      for (const [key, row] of view.entries()) copy.set(key, row)
      return
    }
    for (const { kind, key, value } of update.changes) {
      if (copy.has(key) === (kind === 'insert'))
        throw new Error(`${kind} of ${JSON.stringify(key)} is not possible`)
      if (kind === 'delete') copy.delete(key)
      else copy.set(key, value)
    }
  })
}

const all = [sorted(expected), expected.size, expected.get(5), undefined]

describe('a view', () => {
  test('has the rows of the table, and its subscribers each change once, with any parallelism and threads', async () => {
    for (const [parallelism, threads] of [
      [1, 1],
      [3, 1],
      [3, 3],
    ] as const) {
      for (const seed of [1, 2]) {
        const { copy, seen, ...options } = watching()
        const { result } = await lived(newest(), { parallelism, threads, seed, ...options })
        expect(result).toEqual({ outcome: 'finished' })
        expect(seen).toEqual(all)
        expect(sorted(copy)).toEqual(sorted(expected))
      }
    }
  })

  test('is that of the checkpoint after a failure, and tells its subscribers to read it again', async () => {
    for (const threads of [1, 3]) {
      const failing = new Set([70, 150, 220])
      const { copy, seen, ...options } = watching()
      const refused: string[] = []
      const { result } = await lived(
        newest((n) => {
          if (failing.delete(n)) throw new Error(`${n} fails`)
        }),
        {
          parallelism: threads,
          threads,
          checkpoints: { everyMs: 15 },
          restart: { kind: 'fixed', attempts: 3, delayMs: 10 },
          ...options,
          onEvent: (event, job) => {
            if (event.kind === 'failed') refused.push(refusal(job))
            options.onEvent!(event, job)
          },
        },
      )
      expect(result).toEqual({ outcome: 'finished' })
      expect(refused).toEqual(Array(3).fill(expect.stringContaining('the job is restarting')))
      expect(seen).toEqual(all)
      expect(sorted(copy)).toEqual(sorted(expected))
    }
  })

  test('is restored with another number of threads: what it has then is what the source had read', async () => {
    let platform = simPlatform({ seed: 3 })
    const read: number[] = []
    for (const [life, threads] of [1, 3, 2, 1].entries()) {
      const before = rowsAfter(read)
      const restored: unknown[] = []
      const isLast = life === 3
      const { result } = await lived(
        newest((n) => read.push(n)),
        {
          platform,
          parallelism: threads,
          threads,
          checkpoints: { everyMs: 10 },
          onEvent: (event, job) => {
            if (event.kind === 'started') restored.push(sorted(job.view('rows').entries()))
            if (event.kind === 'checkpointCompleted' && !isLast) void job.stop()
          },
        },
      )
      expect(result?.outcome).toBe(isLast ? 'finished' : 'stopped')
      expect(restored).toEqual([sorted(before)])
      expect(read).toEqual(numbers.slice(0, read.length))
      platform = nextLife(platform, 10 + life)
    }
    expect(read).toEqual(numbers)
  })

  test('cannot be read in a restart and after the end; ready waits for the restart and fails after the end', async () => {
    const refused: string[] = []
    const ready: Promise<number>[] = []
    let isBroken = true
    const { job } = await lived(
      newest((n) => {
        if (n === 100 && isBroken) {
          isBroken = false
          throw new Error('broken')
        }
      }),
      {
        checkpoints: { everyMs: 15 },
        restart: { kind: 'fixed', attempts: 1, delayMs: 10 },
        onEvent: ({ kind }, running) => {
          const view = running.view('rows')
          if (kind === 'failed') {
            refused.push(refusal(running))
            ready.push(view.ready().then(() => view.size))
          }
        },
      },
    )
    refused.push(refusal(job))
    const [size] = await Promise.all(ready)
    expect(size).toBeGreaterThan(0)
    await expect(job.view('rows').ready()).rejects.toHaveProperty('code', 'JOB_FAILED')
    expect(refused).toEqual([
      expect.stringContaining('the job is restarting'),
      "view 'rows' cannot be read: the job has ended; read it while the job runs",
    ])
    expect(() => job.view('row')).toThrow("pipeline 'test' has no view 'row'; it has 'rows'")
  })

  test('has its rows also when they do not fit into the memory of the store on disk, and after a restart', async () => {
    const many = Array.from({ length: 4_000 }, (_, n) => n)
    const build = (p: PipelineBuilder): void => {
      p.from('numbers', pacedSource({ all: many }, 50))
        .keyBy((n) => n % 500)
        .toTable('newest', { deleteIf: (n) => n % 7 === 0 })
        .toView('rows')
    }
    const rows = new Map<Key, unknown>()
    const read: unknown[] = []
    let platform = simPlatform({ seed: 5 })
    for (const isLast of [false, true]) {
      const { result } = await live(build, {
        platform,
        store: diskStore({ memoryBytes: 4096, segmentBytes: 4096 }),
        checkpoints: { everyMs: 20 },
        onEvent: (event, job) => {
          if (event.kind === 'stopping') {
            const view = job.view('rows')
            read.push(sorted(view.entries()), view.get(8))
          }
          if (event.kind === 'checkpointCompleted' && !isLast) void job.stop()
        },
      })
      expect(result?.outcome).toBe(isLast ? 'finished' : 'stopped')
      platform = nextLife(platform, 6)
    }
    for (const n of many) {
      if (n % 7 === 0) rows.delete(n % 500)
      else rows.set(n % 500, n)
    }
    expect(read.slice(-2)).toEqual([sorted(rows), rows.get(8)])
  })

  test('state can be read by its name, as that of any operator', async () => {
    const rows: unknown[] = []
    await lived(newest(), {
      onEvent: (event, job) => {
        if (event.kind === 'stopping')
          void job
            .readState({ operator: 'rows', key: { is: 5 }, skip: 0, limit: 9 })
            .then((found) => rows.push(...found))
      },
    })
    expect(rows).toEqual([{ table: 'rows', key: 5, inner: null, value: expected.get(5) }])
  })
})

function refusal(job: Job): string {
  try {
    job.view('rows').get(5)
    return 'it can be read'
  } catch (error) {
    return (error as Error).message
  }
}
