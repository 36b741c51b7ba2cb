import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { closeBrowser, drawn, missing, visit } from './browser.ts'
import { shopPipeline } from './made-up/pipelines.ts'

/**
 * The pictures of docs/operating/dashboard.md. They are taken in each run; with MILLRACE_SCREENSHOTS=write they replace those
 * of the documentation, which differ between machines by their fonts.
 */
const pictures = path.resolve(import.meta.dirname, '../../../docs/operating/dashboard')
const shots = [
  { name: 'overview', place: 'overview', colorScheme: 'light', width: 1_240, height: 860 },
  { name: 'graph', place: 'graph/enrich', colorScheme: 'dark', width: 1_240, height: 700 },
  { name: 'splits', place: 'splits', colorScheme: 'light', width: 1_240, height: 480 },
  { name: 'letters', place: 'letters', colorScheme: 'light', width: 1_240, height: 480 },
  { name: 'phone', place: 'overview', colorScheme: 'dark', width: 390, height: 780 },
] as const

afterAll(closeBrowser)

describe.skipIf(missing !== undefined)('the pictures of the documentation', () => {
  test.each(shots)('$name', async ({ name, place, colorScheme, width, height }) => {
    const { page, job } = await visit(shopPipeline, {
      place,
      context: { colorScheme, viewport: { width, height } },
    })
    await page.locator('main').getByText('enrich').or(page.getByText('reading')).first().waitFor()
    if (place.startsWith('graph') || place === 'overview') await page.locator('.node').first().waitFor()
    job.tick()
    await drawn(page)
    const picture = await page.screenshot()
    const file = path.join(pictures, `${name}.png`)
    if (process.env['MILLRACE_SCREENSHOTS'] === 'write') {
      await mkdir(pictures, { recursive: true })
      await writeFile(file, picture)
    }
    expect((await readFile(file)).length).toBeLessThan(200_000)
    expect(picture.length).toBeGreaterThan(10_000)
  })
})
