import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { start } from 'millrace'
import { expect, test } from 'vitest'
import { app, sales, type Total } from './server.ts'

/** Reads totals from an event stream until one satisfies `isLast`. */
async function totalsUntil(
  body: ReadableStream<Uint8Array>,
  isLast: (total: Total) => boolean,
): Promise<Total[]> {
  const totals: Total[] = []
  let text = ''
  for await (const chunk of body) {
    text += new TextDecoder().decode(chunk)
    const events = text.split('\n\n')
    text = events.pop()!
    for (const event of events) {
      const total = JSON.parse(event.replace(/^data: /, '')) as Total
      totals.push(total)
      if (isLast(total)) return totals
    }
  }
  return totals
}

test('a web server adds up orders in a pipeline and shows totals to several pages', async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'millrace-web-'))
  const job = start(sales, { dataDir, checkpointEvery: '20ms' })
  const web = app()
  const post = async (order: unknown): Promise<number> =>
    (await web.request('/orders', { method: 'POST', body: JSON.stringify(order) })).status
  try {
    const pages = await Promise.all([web.request('/totals'), web.request('/totals')])
    const seen = pages.map(({ body }) =>
      totalsUntil(body!, ({ shop, orders }) => shop === 'nord' && orders === 50),
    )
    for (let n = 0; n < 100; n++) {
      expect(await post({ id: String(n), shop: n % 2 === 0 ? 'nord' : 'süd', cents: n })).toBe(202)
    }
    expect(await post({ id: 1 })).toBe(400)
    for (const totals of await Promise.all(seen)) {
      expect(totals.at(-1)).toEqual({ shop: 'nord', orders: 50, cents: 2_450 })
    }
    const answer = await web.request('/totals/nord')
    expect(await answer.json()).toEqual({ shop: 'nord', orders: 50, cents: 2_450 })
    // A page that comes later begins with what is known.
    const later = await web.request('/totals')
    expect((await totalsUntil(later.body!, ({ shop }) => shop === 'nord')).at(-1)).toMatchObject({
      orders: 50,
    })
  } finally {
    await job.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
})
