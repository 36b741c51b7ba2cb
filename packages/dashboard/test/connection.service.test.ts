import { afterAll, describe, expect, test } from 'vitest'
import { axe, closeBrowser, missing, visit } from './browser.ts'
import { shopPipeline } from './made-up/pipelines.ts'

afterAll(closeBrowser)

describe.skipIf(missing !== undefined)('the connection', () => {
  test('after an outage the page says so, keeps its figures, and continues with new ones', async () => {
    const { page, job, errors } = await visit(shopPipeline)
    await page.getByText('138 201 442 total').waitFor()
    await job.down()
    await page.getByText(/The connection to the job is lost\. What you see is from 14:03:2\d\./).waitFor()
    await page.getByText('disconnected').waitFor()
    await page.getByText('138 201 442 total').waitFor()
    expect(await axe(page)).toEqual([])
    await job.up()
    job.tick()
    const connected = page.getByText('The connection to the job is lost.').waitFor({ state: 'detached' })
    // By then the page may have connected by itself, and the button is gone.
    const clicked = page.getByRole('button', { name: /^Connect now|^Connecting/ }).click()
    await Promise.race([connected, clicked.catch(() => connected)])
    await connected
    await page.getByText('138 213 442 total').waitFor()
    expect(errors).toEqual([])
  })

  test('the page connects again by itself', async () => {
    const { page, job } = await visit(shopPipeline)
    await page.getByText('138 201 442 total').waitFor()
    await job.down()
    await page.getByText('The connection to the job is lost.').waitFor()
    await job.up()
    await page.getByText('The connection to the job is lost.').waitFor({ state: 'detached' })
  })

  test('a job that sends nothing for some seconds is called blocked', async () => {
    const { page, job } = await visit(shopPipeline)
    await page.getByText('138 201 442 total').waitFor()
    await page.getByText('No figures arrive: the job may be blocked.').waitFor()
    job.tick()
    await page.getByText('No figures arrive').waitFor({ state: 'detached' })
  })

  test('with a token the page asks for it, and a wrong one is refused', async () => {
    const { page } = await visit(shopPipeline, { token: 'letmein' })
    await page.getByRole('heading', { name: 'Sign in to this job' }).waitFor()
    expect(await axe(page)).toEqual([])
    await page.getByLabel('Token').fill('guess')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('This token is not right.').waitFor()
    await page.getByLabel('Token').fill('letmein')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('is the bottleneck').first().waitFor()
    // No script of the page can read the session.
    expect(await page.evaluate('document.cookie')).toBe('')
    expect(await page.evaluate('JSON.stringify({ ...localStorage }).includes("letmein")')).toBe(false)
  })

  test('a job that failed says why, and offers no action', async () => {
    const { page, job } = await visit(shopPipeline)
    await page.getByText('138 201 442 total').waitFor()
    job.change({
      phase: 'ended',
      outcome: 'failed',
      failure: { code: 'SINK_FAILED', message: 'Cannot write to `revenue`: disk full.', docs: null, at: 0 },
    })
    job.tick()
    await page.getByText('The job failed: Cannot write to revenue: disk full.').waitFor()
    expect(await page.getByRole('button', { name: 'Checkpoint now' }).count()).toBe(0)
    expect(await axe(page)).toEqual([])
  })

  test('events and log lines appear as they are sent', async () => {
    const { page, job, goTo } = await visit(shopPipeline, { place: 'events' })
    await page.getByText('Savepoint written to').waitFor()
    job.send('event', {
      id: 8,
      at: 0,
      kind: 'warning',
      level: 'warning',
      text: 'The disk is nearly full.',
      code: null,
      docs: null,
      checkpoint: null,
      operator: null,
      by: null,
      asked: null,
    })
    await page.getByText('The disk is nearly full.').waitFor()
    await page.getByLabel('Which events').selectOption('checkpoints')
    await page.getByText('The disk is nearly full.').waitFor({ state: 'detached' })
    await goTo('logs')
    job.send('log', { id: 81, at: 0, level: 'error', text: 'no space left' })
    await page.getByText('no space left').waitFor()
    await page.getByLabel('Find in the log').fill('checkpoint 1100')
    await page.getByText('no space left').waitFor({ state: 'detached' })
  })
})
