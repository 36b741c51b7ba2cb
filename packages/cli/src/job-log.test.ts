import { ManualClock } from '@millrace/world'
import type { Graph } from '@millrace/core/graph'
import type { JobStatus } from '@millrace/core/job'
import { memory } from '@millrace/connector-memory'
import { join, pipeline } from '@millrace/flow'
import { expect, test } from 'vitest'
import { JobLog, progressEveryMs, type JobView } from './job-log.ts'
import { LogLines } from './log-lines.ts'
import type { Output } from './outputs.ts'

/** A log off a terminal, and what it has written. */
function logOf(
  clock: ManualClock,
  graph: Graph = { name: 'numbers', nodes: [] },
  tasks: JobStatus['tasks'] = [],
) {
  let written = ''
  const output: Output = { write: (text) => (written += String(text)) }
  const status: JobStatus = {
    phase: 'running',
    restarts: 0,
    tasks,
    state: undefined,
    lastCheckpoint: undefined,
    outages: [],
    eventTimeWaits: [],
    stop: undefined,
  }
  const view: JobView = {
    status: () => status,
    statusText: () => 'running  7 in/s',
    figures: () => ({
      recordsIn: 0,
      recordsOut: 0,
      inRate: 7,
      outRate: 0,
      watermark: undefined,
      counts: new Map(),
    }),
  }
  const log = new JobLog({
    lines: new LogLines(output, clock, false),
    clock,
    file: 'numbers.js',
    graph,
    directory: 'data',
    isQuiet: false,
  })
  const checkpoint = (number: number): void => {
    const figures = {
      checkpoint: number,
      durationMs: 1,
      alignAndEncodeMs: 1,
      completedAt: clock.now(),
      bytes: 0,
      slowest: [],
    }
    log.event({ kind: 'checkpointCompleted', figures }, view)
  }
  const shown = (): number => written.split('running  7 in/s').length - 1
  return { log, view, checkpoint, shown, text: () => written }
}

test('not a terminal: the first ten checkpoints get a line each, later ones a line every ten seconds', async () => {
  const clock = new ManualClock(0)
  const { checkpoint, shown } = logOf(clock)
  for (let number = 1; number <= 10; number++) {
    await clock.advance(1_000)
    checkpoint(number)
  }
  expect(shown()).toBe(10)
  for (let number = 11; number <= 40; number++) {
    await clock.advance(1_000)
    checkpoint(number)
  }
  expect(shown()).toBe(13)
})

test('not a terminal: progress is logged also when no checkpoint completes', async () => {
  const clock = new ManualClock(0)
  const { log, view, shown } = logOf(clock)
  await clock.advance(progressEveryMs - 1)
  log.progress(view)
  expect(shown()).toBe(0)
  await clock.advance(1)
  log.progress(view)
  log.progress(view)
  expect(shown()).toBe(1)
})

test('the first line says when results become visible', () => {
  const { log, view, text } = logOf(new ManualClock(0))
  log.event({ kind: 'started', restoredFrom: undefined, checkpointEveryMs: 1_000 }, view)
  expect(text()).toContain(
    "'numbers' runs from the beginning; results become visible with checkpoints, every 1.0 s",
  )
})

test('the first run with a data directory says where state is kept and how to start over', () => {
  const first = logOf(new ManualClock(0))
  const started = (restoredFrom: number | undefined) =>
    ({ kind: 'started', restoredFrom, checkpointEveryMs: 1_000 }) as const
  first.log.event(started(undefined), first.view)
  first.log.event(started(undefined), first.view)
  const sentence = 'positions and state are kept in data, and the next run resumes from there. To start over,'
  expect(first.text().split(sentence)).toHaveLength(2)
  const later = logOf(new ManualClock(0))
  later.log.event(started(7), later.view)
  expect(later.text()).not.toContain(sentence)
  expect(later.text()).toContain('runs from checkpoint 7;')
})

test('a warning ends with the page that explains it, once for all warnings of that page', () => {
  const { log, view, text } = logOf(new ManualClock(0))
  for (const message of ['a is dropped', 'b is dropped']) {
    log.event({ kind: 'warning', message, docs: 'https://docs/changes' }, view)
  }
  expect(text()).toMatch(/a is dropped\. See https:\/\/docs\/changes\n.*b is dropped\n$/)
})

test.each([
  [[], '; read its output lateLeft and lateRight to keep them'],
  [['lateLeft'], '; read its output lateRight to keep them'],
  [['lateLeft', 'lateRight'], undefined],
] as const)(
  'at the end, late records of a join are announced unless both outputs are read: %j',
  (read, advice) => {
    const { graph } = pipeline('rates', (p) => {
      const of = (name: string) =>
        p
          .from(name, memory.read<number>([]))
          .withTimestamps({ timestamp: (n) => n })
          .keyBy((n) => n)
      const joined = join(of('a'), of('b'))
        .between(0, 0)
        .inner('pairs', (a, b) => a + b)
      joined.to('out', memory.write<number>())
      for (const output of read) joined[output].to(output, memory.write<number>())
    }).describe()
    const counts = new Map([['pairs/late', 3]])
    const { log, view, text } = logOf(new ManualClock(0), graph, [{ counts } as JobStatus['tasks'][number]])
    log.ended({ outcome: 'finished' }, view)
    if (advice === undefined) expect(text()).not.toContain('late records')
    else expect(text()).toContain(`3 late records of 'pairs' were dropped${advice}. See `)
  },
)
