import { sleep } from '@millrace/world'
import { describe, expect, test } from 'vitest'
import { memory, type MemorySink } from '@millrace/connector-memory'
import type { Sink } from '@millrace/core/connector'
import { CheckpointStorage, startJob, type JobEvent, type Manifest } from '@millrace/core/job'
import { count, output, pipeline, tumbling, type PipelineBuilder } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, simPlatform, type SimPlatform } from '@millrace/testkit'
import { pacedSource } from './paced-source.ts'
import { live, nextLife, untilCheckpoint } from './simulated-job.ts'

const numbers = Array.from({ length: 400 }, (_, i) => i)

/** Passes numbers on and counts them by windows of a hundred. */
function counting(
  passed: MemorySink<number>,
  windows: MemorySink<{ n: number }>,
): (p: PipelineBuilder) => void {
  return (p) => {
    const timed = p.from('numbers', pacedSource({ all: numbers }, 4)).withTimestamps({ timestamp: (n) => n })
    timed.to('passed', passed)
    timed
      .keyBy(() => 'all')
      .window(tumbling(100))
      .aggregate('by-hundred', { n: count() })
      .to('windows', windows)
  }
}

function completed(events: readonly JobEvent[]): number {
  return events.filter((event) => event.kind === 'checkpointCompleted').length
}

async function manifests(platform: SimPlatform): Promise<Manifest[]> {
  return [...(await new CheckpointStorage(platform.fs, 'data/checkpoints').readable(() => {}))]
}

describe('the end of bounded input', () => {
  test('EN-093 EN-198 flushes every window, commits by a final checkpoint and ends the job', async () => {
    const windows = memory.write<{ n: number }>()
    const passed = memory.write<number>()
    const { result, platform } = await live(counting(passed, windows), { checkpoints: { everyMs: 1e6 } })
    expect(result).toEqual({ outcome: 'finished' })
    expect(windows.values.map(({ n }) => n)).toEqual([100, 100, 100, 100])
    expect(passed.values).toEqual(numbers)
    const [newest] = await manifests(platform)
    expect(newest?.phase).toBe('finished')
  })

  test('a finished job that is started again emits nothing and finishes', async () => {
    const windows = memory.write<{ n: number }>()
    const passed = memory.write<number>()
    const { platform } = await live(counting(passed, windows))
    const { result } = await live(counting(passed, windows), { platform: nextLife(platform) })
    expect(result).toEqual({ outcome: 'finished' })
    expect(windows.values.length).toBe(4)
    expect(passed.values.length).toBe(400)
  })

  test('EN-199 a job without a single record completes its checkpoints', async () => {
    const sink = memory.write<number>()
    const { result, events } = await live((p) => p.from('none', memory.read<number>({})).to('out', sink))
    expect(result).toEqual({ outcome: 'finished' })
    expect(completed(events)).toBe(1)
    expect(sink.values).toEqual([])
  })
})

describe('stop', () => {
  test('EN-211 EN-248 ends with a checkpoint; windows do not fire, nothing is lost or double on resume', async () => {
    const windows = memory.write<{ n: number }>()
    const passed = memory.write<number>()
    const first = await live(counting(passed, windows), {
      checkpoints: { everyMs: 10 },
      ...untilCheckpoint,
    })
    expect(first.result).toEqual({ outcome: 'stopped' })
    const before = passed.values.length
    expect(before).toBeGreaterThan(0)
    expect(before).toBeLessThan(400)
    expect(windows.values.length).toBe(Math.floor((before - 1) / 100))
    const second = await live(counting(passed, windows), { platform: nextLife(first.platform) })
    expect(second.result).toEqual({ outcome: 'finished' })
    expect(passed.values).toEqual(numbers)
    expect(windows.values.map(({ n }) => n)).toEqual([100, 100, 100, 100])
  })

  test('with drain windows and timers fire first', async () => {
    const windows = memory.write<{ n: number }>()
    const passed = memory.write<number>()
    const { result } = await live(counting(passed, windows), {
      checkpoints: { everyMs: 10 },
      onEvent: (event, job) => {
        if (event.kind === 'checkpointCompleted') void job.stop({ drain: true })
      },
    })
    expect(result).toEqual({ outcome: 'finished' })
    expect(windows.values.reduce((sum, { n }) => sum + n, 0)).toBe(passed.values.length)
    expect(passed.values.length).toBeLessThan(400)
  })

  test('EN-249 asked for during the start, during a checkpoint and twice, it ends once and cleanly', async () => {
    for (const at of ['at once', 'started', 'twice'] as const) {
      const passed = memory.write<number>()
      const platform = simPlatform({ seed: 3 })
      const job = startJob({
        graph: pipeline('test', counting(passed, memory.write())).describe().graph,
        platform,
        store: memoryStore(),
        directory: 'data',
        checkpoints: { everyMs: 1 },
        observer: (event) => {
          if (at === 'started' && event.kind === 'started') void job.stop()
        },
      })
      if (at !== 'started') void job.stop()
      if (at === 'twice') void job.stop()
      expect(await driveJob(job, platform.clock)).toEqual({ outcome: 'stopped' })
      expect(job.status().phase).toBe('ended')
      const owner = new TextDecoder().decode(platform.fs.peek('data/owner/epoch-0000000001'))
      expect(owner).toMatch(/^ended \d+$/m)
    }
  })

  test.each(['checkpoint first', 'stop first'])(
    'a checkpoint and a stop in one tick both succeed: %s',
    async (order) => {
      const passed = memory.write<number>()
      let checkpoint: Promise<unknown> | undefined
      const { result } = await live(counting(passed, memory.write()), {
        checkpoints: { everyMs: 1e6 },
        onEvent: (event, running) => {
          if (event.kind !== 'started') return
          setImmediate(() => {
            if (order === 'stop first') void running.stop()
            checkpoint = running.checkpoint()
            void running.stop()
          })
        },
      })
      expect(result).toEqual({ outcome: 'stopped' })
      expect(await checkpoint).toMatchObject({ checkpoint: 1 })
    },
  )

  test('EN-250 cancel commits nothing after the last checkpoint, and the next start resumes from it', async () => {
    const passed = memory.write<number>()
    const first = await live(counting(passed, memory.write()), {
      checkpoints: { everyMs: 10 },
      onEvent: (event, job) => {
        if (event.kind === 'checkpointCompleted') void job.cancel()
      },
    })
    expect(first.result?.outcome).toBe('failed')
    expect(first.result).toHaveProperty('error.code', 'CANCELLED')
    const second = await live(counting(passed, memory.write()), { platform: nextLife(first.platform) })
    expect(second.result).toEqual({ outcome: 'finished' })
    expect(passed.values).toEqual(numbers)
  })
})

test('an option to drop state without a checkpoint is reported as useless', async () => {
  const warnings: string[] = []
  await live((p) => p.from('numbers', memory.read([1])).to('out', memory.write()), {
    dropState: ['count'],
    onEvent: (event) => void (event.kind === 'warning' && warnings.push(event.message)),
  })
  expect(warnings).toEqual(['--drop-state count drops nothing: there is no checkpoint. Remove the option'])
})

describe('restarts', () => {
  const failing = (sink: MemorySink<number>, when: (n: number) => boolean) => (p: PipelineBuilder) => {
    p.from('numbers', pacedSource({ all: numbers }, 4))
      .map(
        (n) => {
          if (when(n)) throw new Error('boom')
          return n
        },
        { name: 'checked' },
      )
      .to('out', sink)
  }

  test('without a policy the job stops at the first failure, names the place and commits nothing more', async () => {
    const sink = memory.write<number>()
    const { result } = await live(failing(sink, (n) => n === 111))
    expect(result).toHaveProperty('error.code', 'OPERATOR_FAILED')
    expect(result).toHaveProperty(
      'error.message',
      expect.stringContaining("source 'events', split 'all', index 111"),
    )
    expect(sink.values.every((n) => n < 111)).toBe(true)
  })

  test('a poison record ends in a crash loop whose message names the record', async () => {
    const sink = memory.write<number>()
    const { result, job } = await live(
      failing(sink, (n) => n === 111),
      {
        restart: { kind: 'fixed', delayMs: 10, attempts: 3 },
      },
    )
    expect(job.status().restarts).toBe(3)
    expect(result).toHaveProperty('error.code', 'CRASH_LOOP')
    expect(result).toHaveProperty(
      'error.message',
      expect.stringMatching(/last 4 failures were at the same place.*index 111/),
    )
  })

  test('the delay of exponential restarts grows up to its maximum', async () => {
    const sink = memory.write<number>()
    const { events } = await live(
      failing(sink, (n) => n === 0),
      {
        restart: {
          kind: 'exponential',
          firstDelayMs: 10,
          longestDelayMs: 35,
          resetAfterMs: 1e6,
          attempts: 4,
        },
      },
    )
    const delays = events.flatMap((event) => (event.kind === 'failed' ? [event.restartInMs] : []))
    expect(delays).toEqual([10, 20, 35, 35])
  })
  test('stopped while it waits to restart, the job ends as stopped', async () => {
    const { result } = await live(
      failing(memory.write(), (n) => n === 0),
      {
        restart: { kind: 'fixed', delayMs: 1e6, attempts: 3 },
        onEvent: (event, job) => {
          if (event.kind === 'failed') setImmediate(() => void job.stop())
        },
      },
    )
    expect(result).toEqual({ outcome: 'stopped' })
  })
})

describe('checkpoints', () => {
  test('EN-205 EN-206 only the newest are kept, and unreferenced state files are removed', async () => {
    const { platform, events } = await live(counting(memory.write(), memory.write()), {
      checkpoints: { everyMs: 2, retain: 2 },
    })
    expect(completed(events)).toBeGreaterThan(20)
    const kept = await manifests(platform)
    expect(kept.length).toBe(2)
    const named = kept.flatMap(({ store }) =>
      (store.parts[0]!.snapshot as unknown as { segments: { file: string }[] }).segments.map(
        ({ file }) => file,
      ),
    )
    const files = (await platform.fs.list('data/state')).map(({ name }) => name)
    expect(files.toSorted()).toEqual([...new Set(named)].toSorted())
  })

  test('EN-207 one at a time, at least the pause apart', async () => {
    const { events } = await live(counting(memory.write(), memory.write()), {
      checkpoints: { everyMs: 1, minPauseMs: 7 },
    })
    const times = events.flatMap((event) =>
      event.kind === 'checkpointCompleted' ? [event.figures.completedAt] : [],
    )
    // The last one is the final checkpoint, which does not wait.
    const gaps = times.slice(1, -1).map((time, i) => time - times[i]!)
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(7)
  })

  test('EN-204 EN-200 one that takes too long is abandoned, reported and replaced; too many in a row fail the job', async () => {
    const stalled: Sink<number> = {
      kind: 'stalled',
      guarantee: 'at-least-once',
      open: async (_subtask, _pending, { signal }) => ({
        write: () =>
          new Promise<void>((_, reject) =>
            signal.addEventListener('abort', () => reject(new Error('stopped'))),
          ),
        prepare: async () => undefined,
        close: async () => {},
      }),
    }
    const { result, events } = await live(
      (p) => p.from('numbers', pacedSource({ all: numbers }, 4)).to('out', stalled),
      { checkpoints: { everyMs: 10, timeoutMs: 100, toleratedFailures: 2 } },
    )
    const given = events.filter((event) => event.kind === 'checkpointAbandoned')
    expect(given.length).toBe(2)
    expect(result).toHaveProperty('error.code', 'JOB_FAILED')
    expect(result).toHaveProperty('error.message', expect.stringContaining('sink may be stalled'))
  })

  test('EN-234 a changed number of key groups is rejected before anything is restored', async () => {
    const { platform } = await live(counting(memory.write(), memory.write()))
    const { result } = await live(counting(memory.write(), memory.write()), {
      platform: nextLife(platform),
      keyGroups: 64,
    })
    expect(result).toHaveProperty('error.code', 'CHECKPOINT_INCOMPATIBLE')
    expect(result).toHaveProperty('error.message', expect.stringContaining('128 key groups, the job 64'))
  })

  test('EN-234 more subtasks than key groups are rejected', () => {
    expect(() =>
      startJob({
        graph: pipeline('test', counting(memory.write(), memory.write())).describe().graph,
        platform: simPlatform({ seed: 1 }),
        store: memoryStore(),
        directory: 'data',
        parallelism: 9,
        keyGroups: 8,
      }),
    ).toThrow('parallelism is 9')
  })

  test('a second job on the same directory is rejected with the name of the owner', async () => {
    const { platform, job } = await live(counting(memory.write(), memory.write()), {
      checkpoints: { everyMs: 10 },
      until: (_, events) => completed(events) > 0,
    })
    const { result } = await live(counting(memory.write(), memory.write()), {
      platform: simPlatform({ seed: 9, fs: platform.fs }),
    })
    expect(result).toHaveProperty('error.code', 'DIRECTORY_LOCKED')
    expect(result).toHaveProperty('error.message', expect.stringContaining('process 1 on simulated'))
    void job.cancel()
    await driveJob(job, platform.clock)
  })
})

test('a job that has read everything waits for a slow checkpoint without spinning', async () => {
  const platform = simPlatform({ seed: 1 })
  const { clock, scheduler } = platform
  let turns = 0
  const counted = {
    turn: () => {
      turns++
      return scheduler.turn()
    },
  }
  const slow: Sink<number> = {
    kind: 'slow',
    guarantee: 'at-least-once',
    open: async () => ({
      write: () => {},
      prepare: async () => {
        await sleep(clock, 10_000)
        return undefined
      },
      close: async () => {},
    }),
  }
  const { result } = await live(
    (p) => {
      p.from('numbers', pacedSource({ all: numbers }, 4)).to('slow', slow)
    },
    { platform: { ...platform, scheduler: counted }, checkpoints: { everyMs: 50 } },
  )
  expect(result).toEqual({ outcome: 'finished' })
  expect(clock.monotonic()).toBeGreaterThan(10_000)
  // Some for 50 ms of reading, and none for the 10 s after it.
  expect(turns).toBeLessThan(100)
})

test('a task at the end of its input is idle, even with timers set, while others continue', async () => {
  let looks = 0
  const { result } = await live(
    (p) => {
      p.from('short', memory.read({ all: [1, 2, 3] }))
        .keyBy((n) => n)
        .process('waiting', {
          output: output<number>(),
          onRecord({ value }, { timers, now, emit }) {
            timers.setProcessing(now() + 5)
            emit(value)
          },
        })
        .to('waited', memory.write<number>())
      p.from('long', pacedSource({ all: Array.from({ length: 100 }, (_, n) => n) }, 1)).to(
        'read',
        memory.write<number>(),
      )
    },
    {
      until: () => {
        if (++looks > 2_000) throw new Error('a task does not rest')
        return false
      },
    },
  )
  expect(result).toEqual({ outcome: 'finished' })
})
