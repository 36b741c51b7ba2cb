import { ManualClock } from '@millrace/world'
import { afterEach, expect, test } from 'vitest'
import type { ApiError, JobList, PartList, StateAnswer } from '../src/contract.ts'
import { startControl, type Control, type DividedJob } from '../src/index.ts'
import { ended, read, running } from './running-api.ts'

const token = 'operator-token-0123'
let asked: Control | undefined
let endings: ('stop' | 'drain')[] = []

afterEach(async () => {
  await asked?.close()
  asked = undefined
  endings = []
  await ended()
})

/** A worker that runs no part of `sums`; the other one, which runs part 1, has all keys. */
async function workers(other: string | undefined, tokens: { readonly token?: string } = {}): Promise<string> {
  const { watched, control } = await running(tokens)
  control.show(watched.job, { name: 'sums/1', isPart: true })
  asked = await startControl({ port: 0, version: '1.2.3' })
  const divided: DividedJob = {
    name: 'sums',
    parts: 2,
    graph: watched.job.options.graph,
    clock: new ManualClock(),
    workers: () => 2,
    partOf: () => 1,
    ownerOf: (part) => (part === 1 ? { address: other === 'reached' ? control.url : other } : undefined),
    copiesOf: () => [],
    end: (how) => endings.push(how),
    copyHere: () => undefined,
  }
  asked.divide(divided)
  return asked.url
}

async function problem(url: string): Promise<readonly [status: number, message: string]> {
  const response = await fetch(url)
  return [response.status, ((await response.json()) as ApiError).error.message]
}

test('a worker without parts answers for the state that another one has, and says where parts are', async () => {
  const url = await workers('reached')
  expect(await read<JobList>(`${url}/api/jobs`)).toEqual({ jobs: [], whole: 'sums' })
  const answer = await read<StateAnswer>(`${url}/api/jobs/sums/state/sum/1?keyType=json`)
  expect(answer).toMatchObject({ key: 1, entries: [{ value: 4 }] })
  expect('copy' in answer).toBe(false)
  const { parts } = await read<PartList>(`${url}/api/jobs/sums/parts`)
  expect(parts.map(({ part, isHere, address }) => [part, isHere, address === null])).toEqual([
    ['sums/0', false, true],
    ['sums/1', false, false],
  ])
  expect(await problem(`${url}/api/jobs/sums`)).toEqual([404, expect.stringContaining('sums/0')])
  expect(await problem(`${url}/api/jobs/sums%2F1/state`)).toEqual([404, expect.stringContaining('/parts')])
  expect((await problem(`${url}/api/jobs/sums/state/none/1`))[0]).toBe(404)
  expect((await problem(`${url}/api/jobs/sums/state/sum?cursor=x`))[0]).toBe(400)
})

test('a worker whose API is not reached is named, and so is one with another token', async () => {
  const unreached = await workers(undefined)
  expect(await problem(`${unreached}/api/jobs/sums/state/sum/1?keyType=json`)).toEqual([
    409,
    expect.stringContaining('--control-address'),
  ])
  await asked!.close()
  await ended()
  const refused = await workers('reached', { token })
  expect(await problem(`${refused}/api/jobs/sums/state/sum/1?keyType=json`)).toEqual([
    502,
    expect.stringContaining('the same MILLRACE_CONTROL_TOKEN'),
  ])
})

test('a worker that is gone: the state is not lost, and the answer says to try again', async () => {
  const url = await workers('http://127.0.0.1:1')
  const response = await fetch(`${url}/api/jobs/sums/state/sum/1?keyType=json`)
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
})

test('a watch of all parts sends what the other worker has, then its changes', async () => {
  const url = await workers('reached')
  const response = await fetch(`${url}/api/jobs/sums/watch/sum?key=1&keyType=json`)
  const reader = response.body!.getReader()
  const { value } = await reader.read()
  expect(new TextDecoder().decode(value)).toContain('"value":4')
  await reader.cancel()
})

test('actions on the whole job: it is stopped or drained in all workers, and what is for a part is refused', async () => {
  const url = await workers('reached')
  const act = (action: object): Promise<Response> =>
    fetch(`${url}/api/jobs/sums/actions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(action),
    })
  expect((await act({ action: 'stop' })).status).toBe(200)
  expect((await act({ action: 'drain' })).status).toBe(200)
  const refused = await act({ action: 'pause', source: 'numbers' })
  expect([refused.status, await refused.text()]).toEqual([409, expect.stringContaining('sums/0')])
  expect(endings).toEqual(['stop', 'drain'])
})
