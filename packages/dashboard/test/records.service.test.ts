import { afterAll, describe, expect, test } from 'vitest'
import { axe, closeBrowser, drawn, missing, visit } from './browser.ts'
import { hostilePipeline, hostileText, shopPipeline } from './made-up/pipelines.ts'

afterAll(closeBrowser)

describe.skipIf(missing !== undefined)('the records of an operator', () => {
  test.each(['light', 'dark'] as const)(
    'are shown from the start to the stop, the newest first, and axe finds nothing in %s',
    async (colorScheme) => {
      const { page, job, errors } = await visit(shopPipeline, {
        place: 'operators/enrich',
        context: { colorScheme },
      })
      const records = page.getByRole('region', { name: 'Records' })
      await records.getByText('A sample of what it emits').waitFor()
      expect(job.peeks.size).toBe(0)
      await records.getByRole('button', { name: 'Show records' }).click()
      await records.getByText(/^3 shown of 1.204 that passed\.$/).waitFor()
      const rows = records.getByRole('listitem')
      expect(await rows.count()).toBe(3)
      expect(await rows.nth(0).textContent()).toMatch(/#0 · key card-4002 · event time/)
      expect(await rows.nth(2).textContent()).toMatch(
        /key card-4000\{"order":0,"total":\{"\$bigint":"12"\}\}$/,
      )
      expect(await rows.nth(1).textContent()).toMatch(/"traceparent":"00-1"/)
      expect(await axe(page)).toEqual([])
      expect(job.peeks.size).toBe(1)
      await records.getByRole('button', { name: 'Stop' }).click()
      await records.getByRole('button', { name: 'Show records' }).waitFor()
      await expect.poll(() => job.peeks.size, { timeout: 60_000 }).toBe(0)
      expect(await rows.count()).toBe(3)
      expect(errors).toEqual([])
    },
  )

  test('of one key are asked for by it, and a refusal is shown', async () => {
    const { page, job } = await visit(shopPipeline, { place: 'operators/enrich' })
    const records = page.getByRole('region', { name: 'Records' })
    const key = records.getByRole('searchbox', { name: 'Only records of this key' })
    await key.fill('card-9')
    await key.press('Enter')
    await records.getByText(/^3 shown of 3 of this key among 1.204 that passed\.$/).waitFor()
    expect(await records.getByRole('listitem').first().textContent()).toMatch('key card-9')
    await records.getByRole('button', { name: 'Stop' }).click()
    await key.fill('none')
    await key.press('Enter')
    await records.getByText('The records have no key.').waitFor()
    await records.getByRole('button', { name: 'Show records' }).waitFor()
    expect(job.peeks.size).toBe(0)
  })

  test('are no longer asked for when another operator is shown or the panel is closed', async () => {
    const { page, job, goTo } = await visit(shopPipeline, { place: 'operators/enrich' })
    const records = page.getByRole('region', { name: 'Records' })
    const begin = async (): Promise<void> => {
      await records.getByRole('button', { name: 'Show records' }).click()
      await records.getByRole('listitem').first().waitFor()
      expect(job.peeks.size).toBe(1)
    }
    await begin()
    await goTo('operators/per-card')
    await page.getByRole('complementary', { name: 'Operator per-card' }).waitFor()
    await expect.poll(() => job.peeks.size, { timeout: 60_000 }).toBe(0)
    expect(await records.getByRole('listitem').count()).toBe(0)
    await begin()
    await page.getByRole('button', { name: 'Close' }).click()
    await expect.poll(() => job.peeks.size, { timeout: 60_000 }).toBe(0)
  })

  test('that are markup are text, and long ones are cut', async () => {
    const { page, errors } = await visit(hostilePipeline(), {
      place: `operators/${encodeURIComponent(hostileText)}`,
    })
    const records = page.getByRole('region', { name: 'Records' })
    await records.getByRole('button', { name: 'Show records' }).click()
    await records
      .getByText(/<script>/)
      .first()
      .waitFor()
    await drawn(page)
    expect(await page.locator('main script, main img').count()).toBe(0)
    expect((await records.textContent())!.length).toBeLessThan(20_000)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(1_280)
    expect(await axe(page)).toEqual([])
    expect(await page.evaluate('globalThis.stolen')).toBeUndefined()
    expect(errors).toEqual([])
  })

  test('are not offered to a viewer', async () => {
    const { page, job } = await visit(shopPipeline)
    job.role = 'viewer'
    await page.reload()
    await page.goto(`${job.url}#/operators/enrich`)
    await page.getByRole('complementary', { name: 'Operator enrich' }).waitFor()
    await page.getByText('at most 64 calls at once').first().waitFor()
    expect(await page.getByRole('region', { name: 'Records' }).count()).toBe(0)
  })
})
