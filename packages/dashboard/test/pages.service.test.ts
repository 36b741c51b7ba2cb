import { afterAll, describe, expect, test } from 'vitest'
import { axe, closeBrowser, drawn, missing, visit } from './browser.ts'
import { calmPipeline, shopPipeline } from './made-up/pipelines.ts'

/** Every page, and a text that only its content has. */
const pages: readonly (readonly [place: string, content: string])[] = [
  ['overview', 'enrich is the bottleneck: 97 % busy, and everything before it waits.'],
  ['graph', 'valid-orders'],
  ['graph/enrich', 'at most 64 calls at once'],
  ['operators', 'session window'],
  ['operators/per-card', 'one total per key'],
  ['splits', 'holds event time'],
  ['checkpoints', '1 139 completed, 2 aborted'],
  ['events', 'Restarted from checkpoint 1139.'],
  ['letters', 'CALL_TIMED_OUT'],
  ['state', 'card-4000'],
  ['logs', 'checkpoint 1139 completed'],
]

afterAll(closeBrowser)

describe.skipIf(missing !== undefined)('the pages', () => {
  test.each(pages)('%s shows what the job says', async (place, content) => {
    const { page, job, errors } = await visit(shopPipeline, { place })
    await page.locator('main').getByText(plain(content)).first().waitFor()
    job.tick()
    await drawn(page)
    expect(errors).toEqual([])
  })

  test.each(['light', 'dark'] as const)('axe finds nothing on any page in %s', async (colorScheme) => {
    const { page, goTo } = await visit(shopPipeline, { context: { colorScheme } })
    const found: string[] = []
    for (const [place, content] of pages) {
      await goTo(place)
      await page.locator('main').getByText(plain(content)).first().waitFor()
      found.push(...(await axe(page)).map((line) => `${place}: ${line}`))
    }
    expect(found).toEqual([])
  })

  test('on a phone every page fits the width, and axe finds nothing', async () => {
    const { page, goTo } = await visit(shopPipeline, {
      context: { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true },
    })
    const found: string[] = []
    for (const [place, content] of pages) {
      await goTo(place)
      await page.locator('main').getByText(plain(content)).first().waitFor()
      const width = await page.evaluate<number>('document.documentElement.scrollWidth')
      if (width > 390) found.push(`${place}: ${width} pixels wide`)
      found.push(...(await axe(page)).map((line) => `${place}: ${line}`))
    }
    expect(found).toEqual([])
  })

  test('without a problem the headline says so', async () => {
    const { page } = await visit(calmPipeline)
    await page.getByText(/^Nothing is wrong: the busiest task, \S+, works \d+\s% of the time\.$/).waitFor()
  })

  test('figures follow the stream without a reload', async () => {
    const { page, job } = await visit(shopPipeline)
    await page.getByText('138 201 442 total').waitFor()
    job.tick(2)
    await page.getByText('138 225 442 total').waitFor()
  })

  test('the graph names each operator with its figures for a screen reader', async () => {
    const { page } = await visit(shopPipeline, { place: 'graph' })
    const enrich = page.getByRole('button', { name: /^enrich ×4 mapAsync .* out busy 97 %, .* bottleneck$/ })
    await enrich.waitFor()
    await enrich.click()
    await page.getByRole('complementary', { name: 'Operator enrich' }).waitFor()
  })

  test('arrow keys walk along the edges of the graph', async () => {
    const { page } = await visit(shopPipeline, { place: 'graph' })
    const surface = page.getByRole('group', { name: /^Graph of 12 operators/ })
    await surface.getByRole('button').first().waitFor()
    await surface.getByRole('button').first().press('ArrowRight')
    await page.getByRole('complementary', { name: 'Operator orders' }).waitFor()
    for (const next of ['valid-orders', 'joined', 'enrich']) {
      await page.locator('.node.selected').press('ArrowRight')
      await page.getByRole('complementary', { name: `Operator ${next}` }).waitFor()
    }
  })

  test('every page is reached by keyboard alone', async () => {
    const { page } = await visit(shopPipeline)
    await page.getByText('is the bottleneck').first().waitFor()
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content')
    await page.getByRole('link', { name: 'Splits' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('table', { name: 'Splits' }).waitFor()
    await page.getByRole('link', { name: 'Events' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('row', { name: /Savepoint written/ }).press('Enter')
    await page.getByRole('dialog', { name: 'Event 7' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  })
})

/** A pattern of a text that may be spread over elements; any white space fits a space. */
function plain(text: string): RegExp {
  return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(' ', '\\s'))
}
