import {
  pathOf,
  type CheckpointList,
  type JobFigures,
  type JobHistory,
  type JobOverview,
  type LetterGroups,
  type LetterPage,
  type OperatorDetail,
  type SplitPage,
  type StateList,
} from '@millrace/control/contract'
import { afterAll, describe, expect, test } from 'vitest'
import { closeBrowser, missing } from './browser.ts'
import { answer, cellsOf, standingStill, wrong, type Expected } from './still-job.ts'

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

    test('operators: each subtask, and each piece of state', async () => {
      const { page, url } = await standingStill()
      const { operators } = await answer<JobFigures>(url, pathOf('figures', { job: 'devices' }))
      const found: string[] = []
      for (const { operator } of operators) {
        const detail = await answer<OperatorDetail>(url, pathOf('operator', { job: 'devices', operator }))
        await page.goto(`${url}/#/operators/${operator}`)
        const panel = page.getByRole('complementary', { name: `Operator ${operator}` })
        const table = panel.getByRole('group', { name: 'Subtasks' })
        await table.waitFor()
        const rows = await cellsOf(table)
        expect([operator, rows.size]).toEqual([operator, 2])
        for (const each of detail.subtasks) {
          const row = rows.get(String(each.subtask))
          const expected: Expected = [
            ['busy', row?.['Busy'], each.shares.busy],
            ['in', row?.['In'], each.inRate],
            ['queued', row?.['Queued'], each.queued],
            ['lag', row?.['Lag'], each.watermarkLagMs],
          ]
          found.push(...wrong(expected).map((line) => `${operator}/${each.subtask}, ${line}`))
        }
        const texts = await panel.locator('dl').nth(1).locator('div').allInnerTexts()
        expect([operator, texts.length]).toEqual([operator, detail.tables.length])
        for (const [at, { table: name, cells, bytes }] of detail.tables.entries()) {
          const [values, size] = texts[at]!.split(' · ')
          const shown = values!.slice(name.length)
          found.push(
            ...wrong([
              [`${operator} ${name}`, shown, cells],
              [`${operator} ${name} bytes`, size, bytes],
            ]),
          )
        }
      }
      expect(found).toEqual([])
    })

    test('overview: the busiest tasks, and the newest value of each chart', async () => {
      const { page, url } = await standingStill()
      const { tasks } = await answer<JobFigures>(url, pathOf('figures', { job: 'devices' }))
      const history = await answer<JobHistory>(url, pathOf('history', { job: 'devices' }))
      await page.getByText('Busiest tasks').waitFor()
      const lines = page.locator('.busy-list li')
      const names = await lines.locator('bdi').allInnerTexts()
      const busiest = tasks.toSorted((a, b) => b.shares.busy - a.shares.busy).slice(0, 6)
      expect(names).toEqual(busiest.map(({ task }) => task))
      const numbers = await lines.locator('.num').allInnerTexts()
      const newest = async (title: string, line: number): Promise<string> =>
        page.getByRole('figure').filter({ hasText: title }).locator('.legend b').nth(line).innerText()
      expect(
        wrong([
          ...busiest.flatMap(({ task, shares, queued }, at): Expected => [
            [`${task} busy`, numbers[2 * at], shares.busy],
            [`${task} queued`, numbers[2 * at + 1], queued],
          ]),
          ['read', await newest('Throughput', 0), history.inRate.at(-1)],
          ['written', await newest('Throughput', 1), history.outRate.at(-1)],
          ['lag', await newest('Delay of event time', 0), history.watermarkLagMs.at(-1)],
          ['checkpoint', await newest('Duration of checkpoints', 0), history.checkpointMs.at(-1)],
          ['event loop', await newest('Latency of the event loop', 0), history.eventLoopDelayMs.at(-1)],
        ]),
      ).toEqual([])
    })

    test('state: how many values each piece of an operator has', async () => {
      const { page, url } = await standingStill()
      const { operators } = await answer<StateList>(url, pathOf('state', { job: 'devices' }))
      expect(operators.length).toBeGreaterThan(1)
      for (const { operator, tables } of operators) {
        await page.goto(`${url}/#/state/${operator}`)
        const choice = page.getByLabel('Table').locator('option')
        await choice.filter({ hasText: tables[0]!.table }).first().waitFor({ state: 'attached' })
        const texts = (await choice.allInnerTexts()).slice(1)
        expect(
          wrong(tables.map(({ table, cells }, at) => [table, texts[at]?.slice(table.length), cells])),
        ).toEqual([])
      }
    })

    test('dead letters: how many, how many of each reason, and how often each was tried', async () => {
      const { page, url } = await standingStill()
      const list = await answer<LetterPage>(url, `${pathOf('letters', { job: 'devices' })}?limit=500`)
      const { groups } = await answer<LetterGroups>(url, pathOf('letterGroups', { job: 'devices' }))
      expect(list.total).toBeGreaterThan(100)
      expect(groups.reduce((sum, { count }) => sum + count, 0)).toBe(list.total)
      await page.goto(`${url}/#/letters`)
      const reasons = page.getByRole('list', { name: 'Reasons' })
      await reasons.getByText('refused').first().waitFor()
      const counts = await reasons.locator('.num').allInnerTexts()
      const total = await page.getByRole('status').filter({ hasText: 'letters' }).innerText()
      const table = page.getByRole('table', { name: 'Dead letters' })
      await table.getByText('refused').first().waitFor()
      const tries = await table.getByRole('row').nth(1).getByRole('cell').last().innerText()
      const [first] = list.letters
      expect(
        wrong([
          ['all', total, list.total],
          ...groups.map(({ count }, at): Expected[number] => [`reason ${at}`, counts[at], count]),
          ['tries', tries, first!.attempts + first!.redrives],
        ]),
      ).toEqual([])
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
