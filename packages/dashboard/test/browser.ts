import axeCore from 'axe-core'
import { chromium as playwright, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { chromium } from '../../../scripts/services/chromium.ts'
import { MadeUpJob } from './made-up/server.ts'
import type { MadeUpPipeline } from './made-up/pipelines.ts'

const outcome = await chromium()

/** Why there is no browser; undefined if there is one. */
export const missing: string | undefined = 'missing' in outcome ? outcome.missing : undefined

let browser: Promise<Browser> | undefined

/** The browser of this test file; one for all of its tests. */
function theBrowser(): Promise<Browser> {
  if ('missing' in outcome) throw new Error(outcome.missing)
  // Without a sandbox, because CI may run as root; it only sees pages of this repository.
  browser ??= playwright.launch({ ...outcome, env: environment(outcome.env), args: ['--no-sandbox'] })
  return browser
}

function environment(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

/** Call it after all tests of a file. */
export async function closeBrowser(): Promise<void> {
  await (await browser)?.close()
  browser = undefined
}

/** A page that shows a job, and what went wrong in it. */
export interface Visit {
  readonly page: Page
  readonly job: MadeUpJob
  /** Errors of the page and of its policy; a test expects none. */
  readonly errors: string[]
  /** Shows a place of the page, such as `splits` or `graph/enrich`. */
  readonly goTo: (place: string) => Promise<void>
}

interface VisitOptions {
  readonly token?: string
  readonly context?: BrowserContextOptions
  readonly place?: string
}

/** Opens the page of a made-up job. Both are closed at the end of the test. */
export async function visit(
  pipeline: MadeUpPipeline,
  { token, context, place = '' }: VisitOptions = {},
): Promise<Visit> {
  const job = await MadeUpJob.start(pipeline, token)
  const page = await openPage(job.url, context)
  onTestFinished(() => job.down())
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    // A browser logs failed requests by itself; the page says what they mean.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load'))
      errors.push(message.text())
  })
  const goTo = async (next: string): Promise<void> => void (await page.goto(`${job.url}#/${next}`))
  await goTo(place)
  return { page, job, errors, goTo }
}

/** Opens a window of the browser; it is closed at the end of the test. */
export async function openPage(url: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await (await theBrowser()).newContext({ reducedMotion: 'reduce', ...options })
  onTestFinished(() => context.close())
  // A machine may be slow; what is waited for comes or never comes.
  context.setDefaultTimeout(120_000)
  const page = await context.newPage()
  await page.goto(url)
  return page
}

/** What axe finds wrong with the page as it is shown now, as lines. */
export async function axe(page: Page): Promise<string[]> {
  await page.evaluate(axeCore.source)
  return page.evaluate<string[]>(`axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => id + ' ' + target.join(' ') + ': ' + failureSummary)))`)
}

/** Waits until what was sent to the page has been drawn. */
export async function drawn(page: Page): Promise<void> {
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')
}
