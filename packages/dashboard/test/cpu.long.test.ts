import { readdirSync, readFileSync } from 'node:fs'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import type { Locator, Page } from 'playwright-core'
import { afterAll, describe, expect, test } from 'vitest'
import { closeBrowser, missing, visit } from './browser.ts'
import { hugePipeline } from './made-up/pipelines.ts'

const seconds = 20
/** What the page may need of a core. Twice as much is refused: a slow machine needs more than a fast one. */
const bar = 0.1

/** Every page whose size is that of the pipeline, and what it shows once it is there. */
const pages: readonly (readonly [place: string, there: (page: Page) => Locator])[] = [
  ['overview', (page) => page.getByText('step-9-20 is the bottleneck')],
  ['graph', (page) => page.getByRole('group', { name: /^Graph of 1000 operators/ })],
  ['operators', (page) => page.getByText('1000 of 1000')],
  ['splits', (page) => page.getByText('of 10 000 splits')],
]

afterAll(closeBrowser)

/** Measures for twenty seconds by the clock, so it is a long test: `npm run page-cpu`. */
describe.skipIf(missing !== undefined || process.platform !== 'linux')(
  'the browser with a thousand operators and figures every second',
  () => {
    test.each(pages)('the page %s needs little of a core', async (place, there) => {
      const { page, job } = await visit(hugePipeline(), { place })
      await there(page).first().waitFor()
      job.tick(2)
      await delay(3_000)
      const before = browserCpuMs()
      for (let second = 0; second < seconds; second++) {
        job.tick()
        await delay(1_000)
      }
      const share = (browserCpuMs() - before) / (seconds * 1_000)
      const isMet = share < bar ? 'met' : 'missed'
      process.stderr.write(
        `${place}: ${(share * 100).toFixed(1)} % of a core, bar ${bar * 100} %: ${isMet}\n`,
      )
      expect(share).toBeLessThan(2 * bar)
    })
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
