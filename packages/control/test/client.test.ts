import { afterEach, expect, test } from 'vitest'
import { client, type StateUpdate } from '../src/client.ts'
import { ended, running } from './running-api.ts'

afterEach(ended)

test('client: reads a key, all keys and a range, now and as of a checkpoint, with a token', async () => {
  const token = 'operator-token-0123'
  const { url, watched } = await running({ token })
  const sums = client(`${url}/`, { token }).state<number, number>('sum')
  expect(await sums.get(0)).toBe(6)
  expect(await sums.get(7)).toBeUndefined()
  await watched.job.checkpoint()
  expect(await sums.get(1, { read: 'checkpoint' })).toBe(4)
  const found = async (options: Parameters<typeof sums.scan>[0]): Promise<readonly unknown[]> => {
    const pairs: unknown[] = []
    for await (const { key, value } of sums.scan(options)) pairs.push([key, value])
    return pairs
  }
  expect(await found({})).toEqual([
    [0, 6],
    [1, 4],
  ])
  expect(await found({ limit: 1 })).toEqual([[0, 6]])
  expect(await found({ from: 1 })).toEqual([[1, 4]])
  expect(await found({ from: 0, to: 1 })).toEqual([[0, 6]])
  expect(await found({ from: 'a' })).toEqual([])
  await expect(client(url).state('sum').get('x')).rejects.toMatchObject({ status: 401 })
  await expect(client(url, { token }).state('out').get('x')).rejects.toMatchObject({
    status: 404,
    code: 'NOT_FOUND',
  })
})

test('client: a watch that loses its connection continues with what it has missed, and needs no snapshot', async () => {
  const { url, watched } = await running()
  const stop = new AbortController()
  const seen: (string | null)[] = []
  // Each connection is cut after its first event.
  const cutting: typeof fetch = async (input, init) => {
    const response = await fetch(input, init)
    if (!(input as string).includes('/watch/')) return response
    seen.push(new Headers(init?.headers).get('last-event-id'))
    const reader = response.body!.getReader()
    const first = await reader.read()
    const body = new ReadableStream({
      start: (controller) => {
        controller.enqueue(first.value)
        controller.close()
        void reader.cancel()
      },
    })
    return new Response(body, { status: response.status })
  }
  // The values that the job would have after more input.
  let sum = 4
  const { job } = watched
  const read = job.readState.bind(job)
  job.readState = async (query) =>
    (await read(query)).map((row) => (row.key === 1 ? { ...row, value: { value: sum } } : row))
  const updates: StateUpdate<number, number>[] = []
  const options = { key: 1, signal: stop.signal }
  for await (const update of client(url, { fetch: cutting }).state<number, number>('sum').watch(options)) {
    updates.push(update)
    // A change while there is no connection is sent with the next one.
    sum += 100
    watched.measure()
    await new Promise((resolve) => setTimeout(resolve, 20))
    if (updates.length === 3) stop.abort()
  }
  expect(updates.map(({ isSnapshot, changed }) => [isSnapshot, changed[0]?.value])).toEqual([
    [true, 4],
    [false, 104],
    [false, 204],
  ])
  expect(seen[0]).toBeNull()
  expect(seen[1]).toMatch(/^\w+\.0$/)
  expect(seen[2]).toMatch(/^\w+\.1$/)
})
