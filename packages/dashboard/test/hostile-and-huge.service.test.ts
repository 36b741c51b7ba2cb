import { afterAll, describe, expect, test } from 'vitest'
import { axe, closeBrowser, drawn, missing, visit } from './browser.ts'
import { hostilePipeline, hostileText, hugePipeline } from './made-up/pipelines.ts'

afterAll(closeBrowser)

describe.skipIf(missing !== undefined)('names and data that are hostile', () => {
  test('markup in them is text on every page, long ones are cut, and nothing breaks the page', async () => {
    const { page, job, errors, goTo } = await visit(hostilePipeline())
    const places = [
      'overview',
      'graph',
      `graph/${encodeURIComponent(hostileText)}`,
      'operators',
      'splits',
      'events',
      'letters',
      'state/__proto__',
      'logs',
    ]
    const found: string[] = []
    for (const place of places) {
      await goTo(place)
      await page
        .locator('main')
        .getByText(/<script>|xxxxxx/)
        .locator('visible=true')
        .first()
        .waitFor()
      job.tick()
      await drawn(page)
      const { elements, length, width } = await page.evaluate<{
        elements: number
        length: number
        width: number
      }>(
        `({ elements: document.querySelectorAll('main script, main img').length,
            length: document.documentElement.outerHTML.length, width: document.documentElement.scrollWidth })`,
      )
      if (elements > 0) found.push(`${place}: ${elements} elements from data`)
      if (length > 400_000) found.push(`${place}: ${length} characters of markup`)
      if (width > 1_280) found.push(`${place}: ${width} pixels wide`)
      found.push(...(await axe(page)).map((line) => `${place}: ${line}`))
    }
    expect(found).toEqual([])
    expect(await page.evaluate('globalThis.stolen')).toBeUndefined()
    expect(errors).toEqual([])
  })

  test('a record of a megabyte opens, and characters that reverse text are shown', async () => {
    const { page, errors } = await visit(hostilePipeline(), { place: 'letters' })
    await page.getByRole('row').nth(1).click()
    const letter = page.getByRole('dialog')
    await letter.getByText(/more characters\)/).waitFor()
    expect(await letter.getByRole('heading').first().textContent()).toMatch(/^no answer within 5 s\ufffd/)
    expect(errors).toEqual([])
  })
})

describe.skipIf(missing !== undefined)('a thousand operators and ten thousand splits', () => {
  test('the graph shows all operators at once, and those that are seen after zooming in', async () => {
    const { page, job, errors } = await visit(hugePipeline(), { place: 'graph' })
    await page.getByRole('group', { name: /^Graph of 1000 operators/ }).waitFor()
    job.tick()
    await drawn(page)
    expect(await page.locator('.node').count()).toBe(0)
    await page.getByRole('button', { name: 'Zoom in' }).click({ clickCount: 8 })
    await page.locator('.node').first().waitFor()
    job.tick()
    await drawn(page)
    expect(await page.locator('.node').count()).toBeLessThan(60)
    expect(errors).toEqual([])
  })

  test('the layout is made once: a second visit has it at once', async () => {
    const { page, goTo } = await visit(hugePipeline(), { place: 'graph' })
    await page.getByRole('group', { name: /^Graph of 1000 operators/ }).waitFor()
    // Without a worker nothing can make it again.
    await page.addInitScript('globalThis.Worker = undefined')
    await page.reload()
    await page.getByRole('group', { name: /^Graph of 1000 operators/ }).waitFor()
    await goTo('overview')
    await page.getByText('step-9-20 is the bottleneck').waitFor()
  })

  test('tables hold only the rows that are seen, also at their end', async () => {
    const { page, job, goTo, errors } = await visit(hugePipeline(), { place: 'operators' })
    await page.getByText('1000 of 1000').waitFor()
    const rows = page.getByRole('row')
    expect(await rows.count()).toBeLessThan(60)
    await page.getByLabel('Find an operator').fill('step-9-20')
    await page.getByText('1 of 1000').waitFor()

    await goTo('splits')
    await page.getByText('200 of 10 000 splits').waitFor()
    for (const shown of ['800', '3 200', '10 000']) {
      await page.getByRole('button', { name: 'Show more' }).click()
      await page.getByText(`${shown} of 10 000 splits`).waitFor()
    }
    await page.getByRole('table', { name: 'Splits' }).press('End')
    await page.locator('[role=row][aria-rowindex="10001"]').waitFor()
    job.tick(3)
    await drawn(page)
    expect(await rows.count()).toBeLessThan(60)
    expect(errors).toEqual([])
  })
})
