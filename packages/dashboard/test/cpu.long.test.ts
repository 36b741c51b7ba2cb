import { readdirSync, readFileSync } from 'node:fs'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { closeBrowser, missing, visit } from './browser.ts'
import { hugePipeline } from './made-up/pipelines.ts'

const seconds = 20

afterAll(closeBrowser)

/** Measures for twenty seconds by the clock: it needs a quiet machine, so it is a long test. */
describe.skipIf(missing !== undefined || process.platform !== 'linux')(
  'the browser with a thousand operators',
  () => {
    test.each(['overview', 'graph', 'operators', 'splits'])(
      'uses less than 10 %% of a core on the page %s with figures every second',
      async (place) => {
        const { page, job } = await visit(hugePipeline(), { place })
        await page
          .locator('main')
          .getByText(/source-|^busy$/)
          .or(page.getByText('of 10 000 splits'))
          .first()
          .waitFor()
        job.tick(2)
        await delay(3_000)
        const before = browserCpuMs()
        for (let second = 0; second < seconds; second++) {
          job.tick()
          await delay(1_000)
        }
        const share = (browserCpuMs() - before) / (seconds * 1_000)
        process.stderr.write(`${place}: ${(share * 100).toFixed(1)} % of a core\n`)
        expect(share).toBeLessThan(0.1)
      },
    )
  },
)

/** CPU time of all processes of the browser, in milliseconds: of those that this process has started. */
function browserCpuMs(): number {
  const processes = new Map<number, { readonly parent: number; readonly ticks: number }>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const text = readFileSync(`/proc/${name}/stat`, 'utf8')
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
      processes.set(Number(name), {
        parent: Number(fields[1]),
        ticks: Number(fields[11]) + Number(fields[12]),
      })
    } catch {
      // It has ended meanwhile.
    }
  }
  const isOurs = (pid: number): boolean => {
    const parent = processes.get(pid)?.parent
    return parent !== undefined && (parent === process.pid || isOurs(parent))
  }
  // The kernel counts in hundredths of a second.
  return [...processes].reduce((sum, [pid, { ticks }]) => (isOurs(pid) ? sum + ticks * 10 : sum), 0)
}
