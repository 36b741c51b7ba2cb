import { fileURLToPath } from 'node:url'
import { memory } from '@millrace/connector-memory'
import { startControl, type WatchedJob } from '@millrace/control'
import type { Source } from '@millrace/core/connector'
import { pageDirectory } from '@millrace/dashboard'
import { count, deadLetter, jobOptionsOf, output, pipeline, skip, tumbling } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, simPlatform } from '@millrace/testkit'
import { sleep } from '@millrace/world'
import type { Locator, Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import { openPage } from './browser.ts'
import { mismatch } from './shown-number.ts'

interface Reading {
  readonly n: number
  readonly time: number
}

/** Readings of five splits, some in each hundredth of a second, without an end; some are bad, and some are old. */
function readings(start: number): Source<Reading, number> {
  return {
    kind: 'readings',
    durability: 'replayable',
    discover: async () => ({ splits: ['a', 'b', 'c', 'd', 'e'], isComplete: true }),
    open: async (split, from = 0, { clock, signal }) => {
      const perTurn = 1 + split.charCodeAt(0) - 97
      const total = 20_000 * perTurn
      let next = from
      let isRested = true
      return {
        poll: () => {
          if (!isRested) return { kind: 'pending', isCaughtUp: false }
          isRested = false
          const values: Reading[] = []
          const failures = []
          for (let i = 0; i < perTurn; i++) {
            const n = next++
            const place = `${n}`
            if (n % 40 === 39)
              failures.push({ index: i, error: new Error('bad'), raw: new Uint8Array(8), place })
            else values.push({ n, time: start + (n / perTurn) * 10 - (n % 50 === 49 ? 3_600_000 : 0) })
          }
          return {
            kind: 'records',
            values,
            failures: failures.map((each, i) => ({ ...each, index: values.length + i })),
          }
        },
        ready: async () => {
          await sleep(clock, 10, signal)
          isRested = true
        },
        position: () => next,
        lag: () => ({ records: total - next, bytes: (total - next) * 24 }),
        get bytesRead() {
          return (next - from) * 24
        },
        close: async () => {},
      }
    },
  }
}

/** A job whose clock stops after 20 seconds under load, and its page. Nothing changes between two looks. */
export async function standingStill(): Promise<{
  readonly page: Page
  readonly watched: WatchedJob
  readonly url: string
}> {
  const platform = simPlatform({ seed: 1 })
  const { clock } = platform
  const control = await startControl({ port: 0, version: '1.2.3', dashboard: fileURLToPath(pageDirectory) })
  const built = pipeline('devices', (p) => {
    const stamped = p
      .from('readings', readings(clock.now() - 250_000), { onError: skip() })
      .withTimestamps({ name: 'stamped', timestamp: ({ time }) => time, maxOutOfOrderness: '0s' })
      .map(
        (reading) => {
          if (reading.n % 70 === 3) throw new Error('refused')
          return reading
        },
        { name: 'check', onError: deadLetter('letters') },
      )
    const keyed = stamped.keyBy(({ n }) => n % 1_237)
    keyed.window(tumbling('1m')).aggregate('window', { n: count() }).to('windows', memory.write())
    const dayLater = clock.now() + 86_400_000
    keyed
      .process('alarms', {
        output: output<number>(),
        onRecord({ value }, { emit, timers }) {
          timers.setProcessing(dayLater)
          emit(value.n)
        },
      })
      .to('alarmed', memory.write())
    let calls = 0
    keyed
      .scan(
        'sum',
        () => 0,
        (sum, { n }) => sum + n,
      )
      .mapAsync(
        'call',
        async ({ value }) => {
          await sleep(clock, 3)
          if (++calls % 100 === 0) throw new Error('try again')
          return value
        },
        { concurrency: 2, retry: { attempts: 100, firstDelay: 1, longestDelay: 1 } },
      )
      .to('out', memory.write())
  })
  const watched = control.start({
    job: {
      ...jobOptionsOf(built),
      platform,
      store: memoryStore(),
      parallelism: 2,
      checkpoints: { everyMs: 1_000 },
    },
  })
  onTestFinished(async () => {
    watched.job.cancel().catch(() => {})
    await control.close()
  })
  await driveJob(watched.job, clock, { until: () => clock.monotonic() > 20_000 })
  watched.measure()
  const page = await openPage(`${control.url}/`)
  return { page, watched, url: control.url }
}

/** The answer of the API. */
export async function answer<T>(url: string, path: string): Promise<T> {
  const response = await fetch(url + path)
  expect([path, response.status]).toEqual([path, 200])
  return (await response.json()) as T
}

/** Texts of the cells of a table, by the first cell of the row and by the name of the column. */
export async function cellsOf(
  table: Locator,
): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  const heads = (await table.getByRole('columnheader').allInnerTexts()).map((text) =>
    text.replace(/\s*[↓↑]/, ''),
  )
  const rows = new Map<string, Record<string, string>>()
  for (const row of (await table.getByRole('row').all()).slice(1)) {
    const cells = await row.getByRole('cell').allInnerTexts()
    const names = await row.getByRole('cell').first().locator('bdi').allInnerTexts()
    const first = names[0] ?? cells[0]
    if (first !== undefined) rows.set(first, Object.fromEntries(cells.map((text, at) => [heads[at]!, text])))
  }
  return rows
}

/** What a text should show. */
export type Expected = readonly (readonly [
  what: string,
  text: string | undefined,
  value: number | null | undefined,
])[]

/** Lines of all texts that do not show their value. */
export function wrong(expected: Expected): readonly string[] {
  return expected.flatMap(([what, text, value]) => {
    const found = text === undefined ? 'nothing is shown' : mismatch(text, value)
    return found === undefined ? [] : [`${what}: ${found}`]
  })
}
