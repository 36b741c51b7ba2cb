import { request as rawRequest } from 'node:http'
import { connect } from 'node:net'
import { symlink, writeFile, mkdir } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { pathOf, routes, type JobFigures, type JobOverview, type RouteName } from '../src/contract.ts'
import { startJob } from '@millrace/core/job'
import { startControl } from '../src/index.ts'
import { ended, read, running, scratch } from './running-api.ts'

const adminToken = 'admin-token-01234567'
const viewerToken = 'viewer-token-012345'

afterEach(ended)

/** Sends a request with headers that `fetch` does not let a program set. */
function status(
  url: string,
  headers: Readonly<Record<string, string>>,
  { method = 'GET', body, requestPath }: { method?: string; body?: string; requestPath?: string } = {},
): Promise<number> {
  const { hostname, port, pathname } = new URL(url)
  return new Promise((resolve, reject) => {
    const sent = rawRequest(
      { host: hostname, port, path: requestPath ?? pathname, method, headers },
      (response) => {
        response.resume()
        resolve(response.statusCode!)
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

async function act(
  url: string,
  action: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${url}${pathOf('actions', { job: 'sums' })}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(action),
  })
}

test('a part of a job has a name of its own, cannot be stopped by itself, and is no longer shown when it is disposed', async () => {
  const { url, control, options } = await running()
  const job = startJob({ ...options, directory: `${await scratch()}/part` })
  const part = control.show(job, { name: 'sums/3', isPart: true })
  const address = `${url}${pathOf('actions', { job: 'sums/3' })}`
  const send = (action: object): Promise<Response> =>
    fetch(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(action),
    })
  expect(await read(`${url}${pathOf('job', { job: 'sums/3' })}`)).toMatchObject({ job: 'sums/3' })
  for (const action of [{ action: 'stop' }, { action: 'drain' }, { action: 'savepoint', directory: 'x' }]) {
    const refused = await send(action)
    expect([refused.status, await refused.text()]).toEqual([409, expect.stringContaining('stop the workers')])
  }
  expect((await send({ action: 'pause', source: 'numbers' })).status).toBe(200)
  part[Symbol.dispose]()
  expect((await send({ action: 'pause', source: 'numbers' })).status).toBe(404)
  await job.cancel()
})

test('the API shows a job, its graph, its figures, and what has happened', async () => {
  const { url, watched } = await running()
  const overview = await read<JobOverview>(`${url}${pathOf('job', { job: 'sums' })}`)
  expect(overview).toMatchObject({
    job: 'sums',
    phase: 'running',
    readiness: { isReady: true, reasons: [] },
    totals: { recordsIn: 5, recordsOut: 5, stateCells: 2, lagRecords: 0 },
  })
  const figures = await read<JobFigures>(`${url}${pathOf('figures', { job: 'sums' })}`)
  const flows = figures.operators.map(({ operator, recordsIn, recordsOut }) => [
    operator,
    recordsIn,
    recordsOut,
  ])
  expect(flows).toEqual([
    ['numbers', 5, 5],
    ['sum', 5, 5],
    ['out', 5, 5],
  ])
  for (const { shares } of figures.tasks) {
    expect(shares.busy + shares.backPressured + shares.idle + shares.waiting).toBeCloseTo(1)
  }
  expect(await read(`${url}${pathOf('graph', { job: 'sums' })}`)).toMatchObject({
    operators: [{ id: 'numbers' }, { id: 'sum', hasState: true }, { id: 'out' }],
    edges: [
      { from: 'numbers', to: 'sum', exchange: 'key' },
      { from: 'sum', to: 'out' },
    ],
  })
  expect(await read(`${url}${pathOf('splits', { job: 'sums' })}`)).toMatchObject({
    splits: [{ split: 'a', recordsOut: 5, lagRecords: 0 }],
    total: 1,
  })
  const { last } = await read<{ last: number }>(`${url}${pathOf('events', { job: 'sums' })}`)
  expect(last).toBe(watched.happenings.events.last)
  watched.happenings.add('outage', 'warning', 'numbers waits', { operator: 'numbers' })
  const found = async (query: string): Promise<readonly string[]> => {
    const route = pathOf('events', { job: 'sums' })
    const page = await read<{ events: readonly { kind: string }[] }>(`${url}${route}?${query}`)
    return page.events.map(({ kind }) => kind)
  }
  expect(await found('level=warning')).toEqual(['outage'])
  expect(await found('operator=numbers')).toEqual(['outage'])
  expect(await found('kind=started&level=info')).toEqual(['started'])
  expect(await found('kind=started&operator=numbers')).toEqual([])
  for (const route of ['history', 'checkpoints', 'doctor', 'letters', 'letterGroups', 'logs'] as const) {
    await read(`${url}${pathOf(route, { job: 'sums' })}`)
  }
  expect((await fetch(`${url}/api/jobs/other`)).status).toBe(404)
  expect((await fetch(`${url}${pathOf('splits', { job: 'sums' })}?limit=many`)).status).toBe(400)
})

test('actions: a checkpoint, a pause, a savepoint and a stop; each is in the event log', async () => {
  const { url, watched } = await running()
  expect(await (await act(url, { action: 'checkpoint' })).json()).toMatchObject({ action: 'checkpoint' })
  expect((await act(url, { action: 'pause', source: 'numbers' })).status).toBe(200)
  expect((await fetch(`${url}/readyz`)).status).toBe(503)
  expect((await act(url, { action: 'pause', source: 'letters' })).status).toBe(400)
  expect((await act(url, { action: 'resume', source: 'numbers' })).status).toBe(200)
  expect((await act(url, { action: 'explode' })).status).toBe(400)
  const directory = path.join(await scratch(), 'saved')
  expect((await act(url, { action: 'savepoint', directory })).status).toBe(200)
  expect((await act(url, { action: 'savepoint', directory })).status).toBe(400)
  expect((await act(url, { action: 'stop' })).status).toBe(200)
  await watched.job.ended
  const actions = watched.happenings.events.entries.filter(({ kind }) => kind === 'action')
  expect(actions.map(({ text, by }) => [text.replace(/\d+/, 'N').replace(directory, 'DIR'), by])).toEqual([
    ['checkpoint N was made', 'admin'],
    ["source 'numbers' is paused", 'admin'],
    ["source 'numbers' reads again", 'admin'],
    [expect.stringContaining('was written to'), 'admin'],
    ['the job stops', 'admin'],
  ])
})

test('the stream: state and figures, then each event with its id; a reader that comes back gets what it missed', async () => {
  const { url } = await running()
  const stream = `${url}${pathOf('stream', { job: 'sums' })}`
  const reading = new AbortController()
  const first = await fetch(stream, { signal: reading.signal, headers: { 'last-event-id': '0' } })
  expect(first.headers.get('content-type')).toContain('text/event-stream')
  let text = ''
  for await (const chunk of first.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    if (text.includes('event: metrics')) break
  }
  reading.abort()
  expect(text).toMatch(/^id: 1\nevent: event\ndata: \{"id":1,.*"kind":"started"/)
  expect(text).toContain('event: status\ndata: {"job":"sums"')
})

test('metrics in the text format of Prometheus: each line is a value of a described metric', async () => {
  const { url } = await running()
  const response = await fetch(`${url}/metrics`)
  expect(response.headers.get('content-type')).toContain('version=0.0.4')
  const lines = (await response.text()).trimEnd().split('\n')
  expect(lines).toContain('millrace_operator_records_in_total{job="sums",operator="sum"} 5')
  let described = ''
  for (const line of lines) {
    const name = /^# TYPE (\S+) (?:counter|gauge)$/.exec(line)?.[1]
    if (name !== undefined) described = name
    else if (!line.startsWith('# HELP'))
      expect(line).toMatch(new RegExp(`^${described}\\{[^}]*\\} -?[\\d.e+-]+$`))
  }
})

describe('who may use the API', () => {
  test('an address that other machines reach needs a token, tokens are long, and a directory of files must be there', async () => {
    await expect(startControl({ port: 0, host: '0.0.0.0', version: '1' })).rejects.toThrow('set a token')
    await expect(startControl({ port: 0, token: 'short', version: '1' })).rejects.toThrow('at least 16')
    const dashboard = path.join(await scratch(), 'missing')
    const failure = { code: 'OPTION_INVALID', message: expect.stringContaining(dashboard) as string }
    await expect(startControl({ port: 0, dashboard, version: '1' })).rejects.toMatchObject(failure)
    await expect(startControl({ port: 0, viewerToken, version: '1' })).rejects.toThrow('token of admins')
  })

  test('with a token: 401 for everything but probes without it, and a viewer may read and not act', async () => {
    const { url } = await running({ token: adminToken, viewerToken })
    const job = `${url}${pathOf('job', { job: 'sums' })}`
    for (const open of [`${url}/livez`, `${url}/readyz`]) expect((await fetch(open)).status).toBe(200)
    for (const closed of [job, `${url}/metrics`, `${url}/`, `${url}/api/session`, `${url}/nothing`]) {
      expect([closed, (await fetch(closed)).status]).toEqual([closed, 401])
    }
    const parts = { job: 'sums', operator: 'sum', key: 'a', id: '1' }
    for (const route of Object.keys(routes) as RouteName[]) {
      if (route === 'live' || route === 'ready' || route === 'login') continue
      for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD']) {
        const { status: answer } = await fetch(`${url}${pathOf(route, parts)}`, { method })
        expect([method, route, answer]).toEqual([method, route, 401])
      }
    }
    const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })
    expect((await fetch(job, { headers: bearer(`${adminToken}x`) })).status).toBe(401)
    expect(await read(`${url}/api/session`, bearer(viewerToken))).toMatchObject({
      role: 'viewer',
      version: '1.2.3',
    })
    await read(job, bearer(viewerToken))
    expect((await act(url, { action: 'checkpoint' }, bearer(viewerToken))).status).toBe(403)
    expect((await act(url, { action: 'checkpoint' })).status).toBe(401)
    expect((await act(url, { action: 'checkpoint' }, bearer(adminToken))).status).toBe(200)
    // A browser signs in, and its cookie is the token from then on.
    const login = await fetch(`${url}/login`, {
      method: 'POST',
      body: new URLSearchParams({ token: viewerToken }),
      redirect: 'manual',
    })
    const cookie = login.headers.get('set-cookie')!
    expect(cookie).toContain('HttpOnly; SameSite=Strict')
    expect(await read(`${url}/api/session`, { cookie: cookie.split(';')[0]! })).toMatchObject({
      role: 'viewer',
    })
  })

  test('a page of another site: a foreign Host, Origin or fetch site is refused', async () => {
    const { url } = await running()
    const { host } = new URL(url)
    expect(await status(`${url}/api/jobs`, { host })).toBe(200)
    expect(await status(`${url}/api/jobs`, { host: 'localhost:1' })).toBe(200)
    // A name of the attacker that resolves to 127.0.0.1.
    expect(await status(`${url}/api/jobs`, { host: 'attacker.example' })).toBe(403)
    expect(await status(`${url}/api/jobs`, { host, origin: 'http://attacker.example' })).toBe(403)
    expect(await status(`${url}/api/jobs`, { host, origin: 'null' })).toBe(403)
    expect(await status(`${url}/api/jobs`, { host, 'sec-fetch-site': 'cross-site' })).toBe(403)
    expect(await status(`${url}/api/jobs`, { host, origin: `http://${host}` })).toBe(200)
  })

  test('probes: a pod address as Host is served, with a token and without, and only a known caller gets reasons', async () => {
    const reasonsFor = async (url: string, headers: Readonly<Record<string, string>>): Promise<unknown> => {
      const { hostname, port } = new URL(url)
      return new Promise((resolve, reject) => {
        const sent = rawRequest({ host: hostname, port, path: '/readyz', headers }, (response) => {
          let text = ''
          response.on('data', (part: Buffer) => (text += part.toString()))
          response.on('end', () => resolve({ code: response.statusCode, ...(JSON.parse(text) as object) }))
        })
        sent.on('error', reject)
        sent.end()
      })
    }
    for (const settings of [{}, { token: adminToken }]) {
      const { url, watched } = await running(settings)
      const { host } = new URL(url)
      for (const pod of ['10.244.1.7:9090', '[fd00:10:244::7]:9090', 'words-0.words.default.svc:9090']) {
        expect(await status(`${url}/livez`, { host: pod })).toBe(200)
        expect(await status(`${url}/readyz`, { host: pod })).toBe(200)
        expect(await status(`${url}/api/jobs`, { host: pod })).toBe('token' in settings ? 401 : 403)
      }
      watched.job.pause('numbers')
      const nothing = { code: 503, isReady: false, reasons: [] }
      expect(await reasonsFor(url, { host: '10.244.1.7:9090' })).toEqual(nothing)
      const known = { host, authorization: `Bearer ${adminToken}` }
      expect(await reasonsFor(url, known)).toEqual({
        ...nothing,
        reasons: [expect.stringContaining('paused')],
      })
      await ended()
    }
  })

  test('a form of another site cannot act, and a large body is refused', async () => {
    const { url } = await running()
    const { host } = new URL(url)
    const actions = `${url}${pathOf('actions', { job: 'sums' })}`
    const post = { method: 'POST', body: '{"action":"stop"}' }
    expect(await status(actions, { host, 'content-type': 'text/plain' }, post)).toBe(415)
    const large = { method: 'POST', body: `{"action":"${'x'.repeat(100_000)}"}` }
    expect(await status(actions, { host, 'content-type': 'application/json' }, large)).toBe(413)
  })

  test('a request that is no HTTP is cut', async () => {
    const { url } = await running()
    const { hostname, port } = new URL(url)
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), hostname, () => socket.write('NONSENSE\r\n\r\n'))
      let text = ''
      socket.on('data', (data) => (text += String(data)))
      socket.on('close', () => resolve(text))
    })
    expect(answer).toMatch(/^HTTP\/1.1 400/)
  })

  test('files of the dashboard: no path leads out of its directory, also not through a link', async () => {
    const root = await scratch()
    const files = path.join(root, 'page')
    await mkdir(path.join(files, 'assets'), { recursive: true })
    await writeFile(path.join(root, 'secret.js'), 'secret')
    await writeFile(path.join(files, 'index.html'), '<p>page</p>')
    await writeFile(path.join(files, 'assets', 'main-abcdef12.js'), 'code')
    await symlink(path.join(root, 'secret.js'), path.join(files, 'link.js'))
    const { url } = await running({ dashboard: files })
    const { host } = new URL(url)
    const page = await fetch(`${url}/`)
    expect([page.status, await page.text()]).toEqual([200, '<p>page</p>'])
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'")
    expect(await (await fetch(`${url}/checkpoints`)).text()).toBe('<p>page</p>')
    const code = await fetch(`${url}/assets/main-abcdef12.js`)
    expect(code.headers.get('cache-control')).toContain('immutable')
    const outside = [
      '/../secret.js',
      '/%2e%2e/secret.js',
      '/..%2fsecret.js',
      '/assets/..%5c..%5csecret.js',
      '/link.js',
      '/a%00.js',
    ]
    for (const requestPath of outside) {
      const answer = await status(url, { host }, { requestPath })
      expect([requestPath, answer]).toEqual([requestPath, 404])
    }
  })

  test('secrets: the password of an address in an error is shown nowhere', async () => {
    const { url, watched } = await running()
    watched.happenings.fail(new Error('cannot connect to amqp://me:hunter2@broker:5672'), 1_000)
    watched.happenings.line('error', 'amqp://me:hunter2@broker failed')
    for (const route of ['job', 'events', 'logs', 'doctor', 'checkpoints'] as const) {
      const text = await (await fetch(`${url}${pathOf(route, { job: 'sums' })}`)).text()
      expect([route, text.includes('hunter2')]).toEqual([route, false])
    }
    expect(await (await fetch(`${url}/metrics`)).text()).not.toContain('hunter2')
  })
})
