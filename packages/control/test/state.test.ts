import process from 'node:process'
import { memory } from '@millrace/connector-memory'
import { afterEach, expect, test } from 'vitest'
import { pathOf, type StateAnswer, type StatePage } from '../src/contract.ts'
import { client } from '../src/client.ts'
import { untilContains } from '../src/server/at-least.ts'
import { RequestError } from '../src/server/problems.ts'
import { batches, measuring } from './measuring.ts'
import { ended, read, running } from './running-api.ts'

afterEach(ended)

const stateUrl = (url: string, key?: string): string =>
  key === undefined
    ? `${url}${pathOf('stateScan', { job: 'sums', operator: 'sum' })}`
    : `${url}${pathOf('stateOfKey', { job: 'sums', operator: 'sum', key })}`

test('state of a key, and page by page; keys that are no text are JSON', async () => {
  const { url } = await running()
  expect(await read(`${url}${pathOf('state', { job: 'sums' })}`)).toMatchObject({
    operators: [{ operator: 'sum', type: 'scan', tables: [{ cells: 2 }] }],
  })
  const odd = await read<StateAnswer>(`${stateUrl(url, '1')}?keyType=json`)
  expect(odd.entries.map(({ key, inner, value }) => [key, inner, value])).toEqual([[1, null, 4]])
  // The text '1' is another key than the number.
  expect((await read<StateAnswer>(stateUrl(url, '1'))).entries).toEqual([])
  const pages: unknown[] = []
  let next: string | null = '0'
  while (next !== null) {
    const page: StatePage = await read<StatePage>(`${stateUrl(url)}?limit=1&cursor=${next}`)
    pages.push(page.entries.map(({ key, value }) => [key, value]))
    next = page.next
  }
  expect(pages).toEqual([[[0, 6]], [[1, 4]]])
  expect((await fetch(`${stateUrl(url, 'x')}?keyType=json`)).status).toBe(400)
  expect((await fetch(`${url}${pathOf('stateScan', { job: 'sums', operator: 'out' })}`)).status).toBe(404)
})

const requests = process.env['MILLRACE_TEST_LEVEL'] === 'full' ? 5_000 : 200

test('state: many requests while the job runs, checkpoints and stops: no wrong answer, and no 5xx', async () => {
  const { url, watched } = await running()
  const answers: Promise<readonly [number, string]>[] = []
  for (let i = 0; i < requests; i++) {
    const asked = fetch(`${stateUrl(url, String(i % 3))}?keyType=json`).then(
      async (response) => [response.status, await response.text()] as const,
    )
    answers.push(asked)
    if (i % 40 === 39) {
      await Promise.all(answers)
      void watched.job.checkpoint().catch(() => {})
    }
    if (i === requests * 0.9) void watched.job.stop()
  }
  for (const [at, [code, text]] of (await Promise.all(answers)).entries()) {
    if (code !== 200) expect([code, at > requests * 0.8]).toEqual([409, true])
    else {
      const values = (JSON.parse(text) as StateAnswer).entries.map(({ value }) => value)
      expect([at % 3, values]).toEqual([at % 3, [[6], [4], []][at % 3]])
    }
  }
})

test('state as of a checkpoint: what it holds, also when the job has continued', async () => {
  const { url, watched } = await running()
  const { checkpoint } = await watched.job.checkpoint()
  const answer = await read<StateAnswer>(`${stateUrl(url, '1')}?keyType=json&read=checkpoint`)
  expect(answer.checkpoint).toBeGreaterThanOrEqual(checkpoint)
  expect(answer.entries.map(({ value }) => value)).toEqual([4])
  const page = await read<StatePage>(`${stateUrl(url)}?limit=1&cursor=1&read=checkpoint`)
  expect(page.entries.map(({ key, value }) => [key, value])).toEqual([[1, 4]])
  expect(await read(`${url}${pathOf('state', { job: 'sums' })}`)).toMatchObject({
    operators: [{ keys: ['number'] }],
  })
})

test('state that is watched: a snapshot first, then what has changed', async () => {
  const { url, watched } = await running()
  const reading = new AbortController()
  const route = pathOf('watch', { job: 'sums', operator: 'sum' })
  const stream = await fetch(`${url}${route}?key=1&keyType=json`, { signal: reading.signal })
  let text = ''
  for await (const chunk of stream.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    if (text.includes('\n\n')) break
    watched.measure()
  }
  reading.abort()
  expect(text).toMatch(
    /^id: \w+\.0\nevent: snapshot\ndata: \{"entries":\[\{.*"value":4\}\],"removed":\[\]\}\n/,
  )
})

test('state that contains at least a checkpoint: the answer waits for it, and is 503 where it does not come', async () => {
  const { url, watched } = await running()
  const { checkpoint } = await watched.job.checkpoint()
  const wanted = checkpoint + 2
  for (const query of [`read=checkpoint&atLeast=${wanted}`, `atLeast=${wanted}`]) {
    const answer = await read<StateAnswer>(`${stateUrl(url, '1')}?keyType=json&${query}`)
    expect(answer.entries.map(({ value }) => value)).toEqual([4])
    if (answer.read === 'checkpoint') expect(answer.checkpoint).toBeGreaterThanOrEqual(wanted)
    expect(watched.job.status().lastCheckpoint!.checkpoint).toBeGreaterThanOrEqual(wanted)
  }
  const sums = client(url).state<number, number>('sum')
  expect(await sums.get(0, { atLeast: wanted + 1, read: 'checkpoint' })).toBe(6)
  expect((await fetch(`${stateUrl(url)}?atLeast=many`)).status).toBe(400)
})

test('state that contains at least a checkpoint: five seconds later it is not there, and the request may be sent again', async () => {
  let outcome: unknown
  let asked: number | undefined
  await measuring(
    (p) => p.from('numbers', batches([1, 2, 3])).to('out', memory.write()),
    ({ measured, platform }) => {
      const now = platform.clock.monotonic()
      if (asked === undefined) {
        asked = now
        const answered = (error: unknown): void => void (outcome = { error, at: platform.clock.monotonic() })
        untilContains(measured, 1e9).then(() => answered(undefined), answered)
      }
      if (outcome === undefined) return now > 60_000
      expect(outcome).toEqual({ error: expect.any(RequestError) as unknown, at: asked + 5_000 })
      expect((outcome as { error: RequestError }).error).toMatchObject({ status: 503, retryAfter: 1 })
      expect(measured.happenings.listeners.size).toBe(0)
      return true
    },
  )
  expect(outcome).toBeDefined()
})
