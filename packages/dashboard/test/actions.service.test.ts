import type { Action } from '@millrace/control/contract'
import type { Page } from 'playwright-core'
import { afterAll, describe, expect, test } from 'vitest'
import { axe, closeBrowser, missing, visit } from './browser.ts'
import { shopPipeline } from './made-up/pipelines.ts'

/** An action of the menu: what is entered, the button that confirms, and what is sent. */
const inMenu: readonly (readonly [
  title: string,
  enter: ((page: Page) => Promise<unknown>) | undefined,
  confirm: string,
  sent: Action,
])[] = [
  ['Make a checkpoint', undefined, 'Make checkpoint', { action: 'checkpoint' }],
  [
    'Make a savepoint',
    (page) => page.getByLabel('Directory on the server').fill('backup/may'),
    'Make savepoint',
    { action: 'savepoint', directory: 'backup/may' },
  ],
  [
    'Pause a source',
    (page) => page.getByLabel('Source', { exact: true }).selectOption('payments'),
    'Pause',
    { action: 'pause', source: 'payments' },
  ],
  [
    'Change the log level',
    (page) => page.getByLabel('Level', { exact: true }).selectOption('warning'),
    'Change',
    { action: 'logLevel', level: 'warning' },
  ],
  ['Drain and end', undefined, 'Drain and end the job', { action: 'drain' }],
  ['Stop', undefined, 'Stop the job', { action: 'stop' }],
  [
    'Stop',
    (page) => page.getByLabel('Savepoint directory').fill('backup/last'),
    'Stop the job',
    { action: 'stop', savepoint: 'backup/last' },
  ],
]

afterAll(closeBrowser)

describe.skipIf(missing !== undefined)('actions', () => {
  test('a checkpoint needs one click, and its outcome is shown', async () => {
    const { page, job } = await visit(shopPipeline)
    await page.getByRole('button', { name: 'Checkpoint now' }).click()
    await page.getByText('Done: checkpoint.').waitFor()
    expect(job.actions).toEqual([{ action: 'checkpoint' }])
  })

  test.each(inMenu)('%s is sent after it was confirmed', async (title, enter, confirm, sent) => {
    const { page, job } = await visit(shopPipeline)
    await page.getByLabel('More actions').click()
    await page.getByRole('button', { name: `${title}…` }).click()
    const dialog = page.getByRole('dialog', { name: title })
    await dialog.waitFor()
    expect(await axe(page)).toEqual([])
    await enter?.(page)
    expect(job.actions).toEqual([])
    await dialog.getByRole('button', { name: confirm, exact: true }).click()
    await page.getByText(`Done: ${sent.action}.`).waitFor()
    expect(job.actions).toEqual([sent])
  })

  test('an action that is cancelled is not sent', async () => {
    const { page, job } = await visit(shopPipeline)
    await page.getByLabel('More actions').click()
    await page.getByRole('button', { name: 'Stop…' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(job.actions).toEqual([])
  })

  test('a source is paused and resumed where its figures are', async () => {
    const { page, job } = await visit(shopPipeline, { place: 'graph/orders' })
    const panel = page.getByRole('complementary', { name: 'Operator orders' })
    await panel.getByRole('button', { name: 'Pause this source' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Pause', exact: true }).click()
    await page.getByText('Done: pause.').waitFor()
    job.change({ pausedSources: ['orders'] })
    job.tick()
    await panel.getByRole('button', { name: 'Resume this source' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Resume', exact: true }).click()
    await page.getByText('Done: resume.').waitFor()
    expect(job.actions).toEqual([
      { action: 'pause', source: 'orders' },
      { action: 'resume', source: 'orders' },
    ])
  })

  test('a refused action says why, until the message is closed', async () => {
    const { page, job } = await visit(shopPipeline)
    job.refusal = 'The directory `backup` is not empty.'
    await page.getByRole('button', { name: 'Checkpoint now' }).click()
    await page.getByText('The directory backup is not empty. (ACTION_REFUSED)').waitFor()
    await page.getByRole('button', { name: 'Close' }).click()
    await page.getByText('ACTION_REFUSED').waitFor({ state: 'detached' })
  })

  test('dead letters are rehearsed, redriven and dropped, all or those that were chosen', async () => {
    const { page, job } = await visit(shopPipeline, { place: 'letters' })
    await page.getByRole('button', { name: 'Rehearse' }).click()
    const rehearsal = page.getByRole('dialog', { name: 'What a redrive would do' })
    await rehearsal.getByText('26 written to alerts').waitFor()
    await rehearsal.getByText('card 4002 has no owner').waitFor()
    expect(await axe(page)).toEqual([])
    await rehearsal.getByRole('button', { name: 'Redrive' }).click()
    await page.getByText('Done: redrive.').waitFor()

    await page.getByRole('button', { name: /10 enrich CALL_TIMED_OUT/ }).click()
    await page.getByText('10 letters').waitFor()
    await page.getByRole('button', { name: 'Redrive…' }).click()
    await page
      .getByRole('dialog', { name: 'Redrive these 10 letters?' })
      .getByRole('button', { name: 'Redrive' })
      .click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })

    await page.getByLabel('Choose letter letter-4', { exact: true }).check()
    await page.getByRole('button', { name: 'Drop…' }).click()
    await page
      .getByRole('dialog', { name: 'Drop this letter?' })
      .getByRole('button', { name: 'Drop' })
      .click()
    await page.getByText('Done: drop.').waitFor()
    expect(job.actions).toEqual([
      { action: 'redrive', letters: { all: true }, rehearse: true },
      { action: 'redrive', letters: { all: true } },
      { action: 'redrive', letters: { operator: 'enrich', code: 'CALL_TIMED_OUT' } },
      { action: 'drop', letters: { ids: ['letter-4'] } },
    ])
  })

  test('one dead letter is shown with its record and redriven', async () => {
    const { page, job } = await visit(shopPipeline, { place: 'letters' })
    await page.getByRole('row', { name: /card-4001/ }).click()
    const letter = page.getByRole('dialog', { name: 'card 4001 has no owner' })
    await letter.getByText('at enrich (shop.ts:41:11)').waitFor()
    expect(await axe(page)).toEqual([])
    await letter.getByRole('button', { name: 'Redrive…' }).click()
    await page
      .getByRole('dialog', { name: 'Redrive this letter?' })
      .getByRole('button', { name: 'Redrive' })
      .click()
    await page.getByText('Done: redrive.').waitFor()
    expect(job.actions).toEqual([{ action: 'redrive', letters: { ids: ['letter-1'] } }])
  })

  test('a viewer reads everything and has no button for an action', async () => {
    const { page, job, goTo } = await visit(shopPipeline)
    job.role = 'viewer'
    await page.reload()
    await page.getByText('read only').waitFor()
    for (const place of ['graph/orders', 'letters', 'checkpoints']) {
      await goTo(place)
      await page.locator('main').getByText('enrich').first().waitFor()
      const buttons = await page.getByRole('button').allTextContents()
      expect(buttons.filter((text) => /Checkpoint now|Pause|Rehearse|Redrive|Drop/.test(text))).toEqual([])
    }
    expect(job.actions).toEqual([])
  })

  test('an operator has buttons for what steers, and none for what ends the job or deletes letters', async () => {
    const { page, job, goTo } = await visit(shopPipeline)
    job.role = 'operator'
    await page.reload()
    await page.getByLabel('More actions').click()
    const actions = await page.getByRole('listitem').getByRole('button').allTextContents()
    expect(actions.filter((text) => text.endsWith('…'))).toEqual([
      'Make a checkpoint…',
      'Make a savepoint…',
      'Pause a source…',
      'Change the log level…',
    ])
    await goTo('letters')
    await page.getByRole('button', { name: 'Redrive…' }).waitFor()
    expect(await page.getByRole('button', { name: 'Drop…' }).count()).toBe(0)
    expect(await page.getByText('read only').count()).toBe(0)
  })

  test('the state of one key is looked up, and read as of the last checkpoint', async () => {
    const { page } = await visit(shopPipeline, { place: 'state/per-card' })
    const table = page.getByRole('table', { name: 'State' })
    await table.getByText('card-4000').waitFor()
    await page.getByRole('button', { name: 'Next' }).click()
    await table.getByText('card-4200').waitFor()
    await page.getByRole('button', { name: 'Back' }).click()
    await table.getByText('card-4000').waitFor()
    await page.getByLabel('Key').fill('card-4007')
    await page.getByRole('button', { name: 'Look up' }).click()
    await table.getByText('card-4000').waitFor({ state: 'detached' })
    await table.getByText('card-4007').waitFor()
    await page.getByLabel('Read').selectOption('checkpoint')
    await page.getByText('As of checkpoint 1140.').waitFor()
    await page.getByLabel('Key').fill('card-0')
    await page.getByRole('button', { name: 'Look up' }).click()
    await page.getByText('This key has no state').waitFor()
  })
})
