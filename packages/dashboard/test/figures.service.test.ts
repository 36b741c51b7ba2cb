import { fileURLToPath } from 'node:url'
import { memory } from '@millrace/connector-memory'
import { startControl, type WatchedJob } from '@millrace/control'
import {
  pathOf,
  type CheckpointList,
  type JobFigures,
  type JobOverview,
  type OperatorDetail,
  type SplitPage,
} from '@millrace/control/contract'
import type { Source } from '@millrace/core/connector'
import { pageDirectory } from '@millrace/dashboard'
import { count, deadLetter, jobOptionsOf, output, pipeline, skip, tumbling } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, simPlatform } from '@millrace/testkit'
import { sleep } from '@millrace/world'
import type { Locator, Page } from 'playwright-core'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { closeBrowser, missing, openPage } from './browser.ts'
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
async function standingStill(): Promise<{
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
        { name: 'check', onError: deadLetter('letters', memory.write()) },
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

async function answer<T>(url: string, path: string): Promise<T> {
  const response = await fetch(url + path)
  expect([path, response.status]).toEqual([path, 200])
  return (await response.json()) as T
}

/** Texts of the cells of a table, by the first cell of the row and by the name of the column. */
async function cellsOf(table: Locator): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
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

type Expected = readonly (readonly [
  what: string,
  text: string | undefined,
  value: number | null | undefined,
])[]

/** Lines of all texts that do not show their value. */
function wrong(expected: Expected): readonly string[] {
  return expected.flatMap(([what, text, value]) => {
    const found = text === undefined ? 'nothing is shown' : mismatch(text, value)
    return found === undefined ? [] : [`${what}: ${found}`]
  })
}

afterAll(closeBrowser)

describe.skipIf(missing !== undefined)(
  'the text of the page equals the answers of the API at the same moment',
  () => {
    test('overview: every tile', async () => {
      const { page, url } = await standingStill()
      const job = await answer<JobOverview>(url, pathOf('job', { job: 'devices' }))
      const { at } = await answer<JobFigures>(url, pathOf('figures', { job: 'devices' }))
      await page.getByText('Not processed').waitFor()
      const { totals, lastCheckpoint, runtime } = job
      const lost = totals.deadLettered + totals.skipped
      expect(Math.min(totals.recordsIn, totals.late, totals.deadLettered, totals.skipped)).toBeGreaterThan(0)
      const tiles = new Map<string, readonly string[]>()
      for (const tile of await page.locator('.tile').all()) {
        const [label, value, detail] = await tile.locator('span').allInnerTexts()
        tiles.set(label!, [value!, detail!])
      }
      const tile = (name: string, part: 0 | 1): string | undefined => tiles.get(name)?.[part]
      expect(
        wrong([
          ['read', tile('Read', 0), job.inRate],
          ['records read', tile('Read', 1), totals.recordsIn],
          ['written', tile('Written', 0), job.outRate],
          ['records written', tile('Written', 1), totals.recordsOut],
          ['lag', tile('Watermark lag', 0), totals.watermarkLagMs],
          ['to read', tile('Watermark lag', 1), totals.lagRecords],
          ['age of the checkpoint', tile('Last checkpoint', 0), at - lastCheckpoint!.at],
          ['its duration', tile('Last checkpoint', 1)?.replace('took ', ''), lastCheckpoint!.durationMs],
          ['bytes of state', tile('State', 0), totals.stateBytes],
          ['values of state', tile('State', 1), totals.stateCells],
          ['not processed', tile('Not processed', 0), lost + totals.late],
          ['late', tile('Not processed', 1), totals.late],
          ['failed', tile('Not processed', 1)?.split(', ')[1], lost],
          ['event loop', tile('Event loop', 0), runtime.eventLoopUtilization],
          ['memory', tile('Event loop', 1), runtime.residentBytes],
        ]),
      ).toEqual([])
    })

    test('operators: every figure of the table, and of the panel of each operator', async () => {
      const { page, url } = await standingStill()
      const { operators, tasks } = await answer<JobFigures>(url, pathOf('figures', { job: 'devices' }))
      await page.goto(`${url}/#/operators`)
      const table = page.getByRole('table', { name: 'Operators' })
      await table.getByText('windows').waitFor()
      const rows = await cellsOf(table)
      const found: string[] = []
      for (const own of operators) {
        const row = rows.get(own.operator)
        await page.goto(`${url}/#/operators/${own.operator}`)
        const panel = page.getByRole('complementary', { name: `Operator ${own.operator}` })
        await panel.getByText('Records out').waitFor()
        const facts = new Map<string, string>()
        for (const fact of await panel.locator('dl').first().locator('div').all()) {
          const [label, value] = await fact.locator('dt, dd').allInnerTexts()
          facts.set(facts.has(label!) ? `${label!} in bytes` : label!, value!)
        }
        const { task } = await answer<OperatorDetail>(
          url,
          pathOf('operator', { job: 'devices', operator: own.operator }),
        )
        expect(task).toEqual(tasks.find((each) => each.task === task.task))
        const fact = (name: string, part = 0): string | undefined => facts.get(name)?.split(' · ')[part]
        /** What is zero is not shown. */
        const counted = (name: string, value: number): Expected =>
          value === 0 && !facts.has(name) ? [] : [[name, fact(name), value]]
        const expected: Expected = [
          ['busy', row?.['Busy'], task.shares.busy],
          ['pressed', row?.['Pressed'], task.shares.backPressured],
          ['in', row?.['In'], own.inRate],
          ['out', row?.['Out'], own.outRate],
          ['queued', row?.['Queued'], task.queued],
          ['lag', row?.['Lag'], own.watermarkLagMs],
          ['state', row?.['State'], own.stateBytes],
          ['errors', row?.['Errors'], own.deadLettered + own.skipped],
          ...counted('Records in', own.recordsIn),
          ['records out', fact('Records out'), own.recordsOut],
          ['rate out', fact('Records out', 1), own.outRate],
          ...(own.bytes === null ? [] : ([['bytes', fact('Bytes'), own.bytes]] as const)),
          ...(own.bytes === null
            ? []
            : ([['bytes rate', fact('Bytes', 1)?.replace('/s', ''), own.bytesRate]] as const)),
          ...(own.lagRecords === null ? [] : ([['to read', fact('To read'), own.lagRecords]] as const)),
          ...(own.lagBytes === null
            ? []
            : ([['bytes to read', fact('To read in bytes'), own.lagBytes]] as const)),
          ...counted('Splits', own.splits ?? 0),
          ...(own.watermarkLagMs === null
            ? []
            : ([['lag', fact('Watermark lag'), own.watermarkLagMs]] as const)),
          ...counted('Late', own.late),
          ...counted('Skipped', own.skipped),
          ...counted('Dead letters', own.deadLettered),
          ...counted('Retries', own.retries),
          ...counted('Calls under way', own.inFlight),
          ...counted('State', own.stateCells),
          ...counted('Timers', own.timers),
        ]
        found.push(...wrong(expected).map((line) => `${own.operator}, ${line}`))
      }
      expect(found).toEqual([])
      expect(rows.size).toBe(operators.length)
      for (const of of ['late', 'skipped', 'deadLettered', 'retries', 'timers', 'stateCells'] as const) {
        expect([of, operators.reduce((total, each) => total + each[of], 0)]).not.toEqual([of, 0])
      }
      expect(tasks.some(({ queued }) => queued > 0)).toBe(true)
    })

    test('splits: every figure of each', async () => {
      const { page, url } = await standingStill()
      const { splits } = await answer<SplitPage>(url, `${pathOf('splits', { job: 'devices' })}?limit=100`)
      await page.goto(`${url}/#/splits`)
      const table = page.getByRole('table', { name: 'Splits' })
      await table.getByRole('cell', { name: 'a', exact: true }).waitFor()
      const rows = await cellsOf(table)
      expect([...rows.keys()].toSorted()).toEqual(['a', 'b', 'c', 'd', 'e'])
      expect(
        splits.flatMap((split) => {
          const row = rows.get(split.label === '' ? split.split : split.label)
          return wrong([
            ['subtask', row?.['Subtask'], split.subtask],
            ['to read', row?.['To read'], split.lagRecords],
            ['lag', row?.['Watermark lag'], split.watermarkLagMs],
            ['skew', row?.['Skew'], split.skewMs],
            ['records', row?.['Records'], split.recordsOut],
          ]).map((line) => `${split.split}, ${line}`)
        }),
      ).toEqual([])
    })

    test('checkpoints: how many, and duration and size of each', async () => {
      const { page, url } = await standingStill()
      const list = await answer<CheckpointList>(url, pathOf('checkpoints', { job: 'devices' }))
      expect(list.completed).toBeGreaterThan(10)
      await page.goto(`${url}/#/checkpoints`)
      const table = page.getByRole('group', { name: 'Checkpoints' })
      await table.waitFor()
      const rows = await cellsOf(table)
      const line = await page.getByText('since the process started').innerText()
      expect(
        wrong([
          ['completed', line, list.completed],
          ['aborted', line.split(', ')[1], list.aborted],
          ...list.checkpoints.flatMap((row): Expected => {
            const cells = rows.get(String(row.checkpoint))
            return [
              [`${row.checkpoint} took`, cells?.['Took'], row.durationMs],
              [`${row.checkpoint} align`, cells?.['Align and encode'], row.alignAndEncodeMs],
              [`${row.checkpoint} written`, cells?.['Written'], row.bytes],
            ]
          }),
        ]),
      ).toEqual([])
    })
  },
)
