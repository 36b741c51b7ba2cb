import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { pathOf, type EventPage, type Session } from '../src/contract.ts'
import { startControl } from '../src/index.ts'
import { ended, read, running, scratch } from './running-api.ts'

const token = 'admin-token-01234567'
const operatorToken = 'operator-token-0123'
const viewerToken = 'viewer-token-012345'
const tokens = { admin: token, operator: operatorToken, viewer: viewerToken }
type Role = keyof typeof tokens

afterEach(ended)

function as(role: Role): { readonly authorization: string } {
  return { authorization: `Bearer ${tokens[role]}` }
}

/** Asks for an action; returns the status, and the code of an error. */
async function ask(url: string, body: unknown, headers: object): Promise<readonly [number, string?]> {
  const response = await fetch(`${url}${pathOf('actions', { job: 'sums' })}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  const { error } = (await response.json()) as { error?: { code: string } }
  return error === undefined ? [response.status] : [response.status, error.code]
}

/** The audit: role, what was asked for, and whether it was done. */
async function audit(url: string): Promise<readonly (readonly [string | null, string | null, string])[]> {
  const { events } = await read<EventPage>(`${url}${pathOf('events', { job: 'sums' })}`, as('viewer'))
  return events
    .filter(({ kind }) => kind === 'action' || kind === 'actionFailed')
    .map(({ by, asked, kind, code }) => [by, asked, kind === 'action' ? 'done' : (code ?? 'failed')])
}

const letters = { operator: 'sum' }
const steering = [
  { action: 'checkpoint' },
  { action: 'savepoint', directory: 'DIRECTORY' },
  { action: 'pause', source: 'numbers' },
  { action: 'resume', source: 'numbers' },
  { action: 'logLevel', level: 'debug' },
  { action: 'redrive', letters },
]
const ending = [{ action: 'drop', letters }, { action: 'drain' }, { action: 'stop' }]

describe('roles', () => {
  test('without a token: 401 for every action, and nothing is done or written to the event log', async () => {
    const { url, watched } = await running({ token, operatorToken, viewerToken })
    for (const action of [...steering, ...ending]) {
      expect([action, await ask(url, action, {})]).toEqual([action, [401, 'UNAUTHORIZED']])
    }
    expect((await fetch(`${url}${pathOf('profile', { job: 'sums' })}`)).status).toBe(401)
    expect(await audit(url)).toEqual([])
    expect(watched.job.status().phase).toBe('running')
  })

  test('a viewer: 403 for every action and for a profile, and each request is in the event log', async () => {
    const { url, watched } = await running({ token, operatorToken, viewerToken })
    for (const action of [...steering, ...ending, { action: 'explode' }, 7]) {
      expect([action, await ask(url, action, as('viewer'))]).toEqual([action, [403, 'FORBIDDEN']])
    }
    const profile = `${url}${pathOf('profile', { job: 'sums' })}?seconds=1`
    expect((await fetch(profile, { headers: as('viewer') })).status).toBe(403)
    expect(watched.job.status().phase).toBe('running')
    expect(watched.overview().pausedSources).toEqual([])
    const asked = [
      'checkpoint',
      'savepoint directory=DIRECTORY',
      'pause source=numbers',
      'resume source=numbers',
      'logLevel level=debug',
      'redrive operator=sum',
      'drop operator=sum',
      'drain',
      'stop',
      'unknown',
      'unknown',
      'profile seconds=1',
    ]
    expect(await audit(url)).toEqual(asked.map((each) => ['viewer', each, 'FORBIDDEN']))
  })

  test('an operator steers; what ends the job, deletes letters or profiles is refused', async () => {
    const { url, watched } = await running({ token, operatorToken, viewerToken })
    const directory = path.join(await scratch(), 'saved')
    for (const action of steering.slice(0, -1)) {
      const given = 'directory' in action ? { ...action, directory } : action
      expect([action, await ask(url, given, as('operator'))]).toEqual([action, [200]])
    }
    // The job keeps no dead letters, so what the operator may ask for cannot be done.
    expect(await ask(url, steering.at(-1), as('operator'))).toEqual([400, 'OPTION_INVALID'])
    for (const action of ending) {
      expect([action, await ask(url, action, as('operator'))]).toEqual([action, [403, 'FORBIDDEN']])
    }
    const profile = `${url}${pathOf('profile', { job: 'sums' })}?seconds=1`
    expect((await fetch(profile, { headers: as('operator') })).status).toBe(403)
    expect(watched.job.status().phase).toBe('running')
    expect(await audit(url)).toEqual([
      ['operator', 'checkpoint', 'done'],
      ['operator', `savepoint directory=${directory}`, 'done'],
      ['operator', 'pause source=numbers', 'done'],
      ['operator', 'resume source=numbers', 'done'],
      ['operator', 'logLevel level=debug', 'done'],
      ['operator', 'redrive operator=sum', 'OPTION_INVALID'],
      ['operator', 'drop operator=sum', 'FORBIDDEN'],
      ['operator', 'drain', 'FORBIDDEN'],
      ['operator', 'stop', 'FORBIDDEN'],
      ['operator', 'profile seconds=1', 'FORBIDDEN'],
    ])
  })

  test('an admin stops the job', async () => {
    const { url, watched } = await running({ token, operatorToken, viewerToken })
    expect(await ask(url, { action: 'stop' }, as('admin'))).toEqual([200])
    expect((await watched.job.ended).outcome).toBe('stopped')
    expect(await audit(url)).toEqual([['admin', 'stop', 'done']])
  })

  test('the session says the role and its rights; without a token everyone is an admin', async () => {
    const sessions = async (settings: object): Promise<readonly Session[]> => {
      const { url } = await running({ token, operatorToken, viewerToken, ...settings })
      const roles: readonly Role[] = ['viewer', 'operator', 'admin']
      const all = await Promise.all(roles.map((role) => read<Session>(`${url}/api/session`, as(role))))
      await ended()
      return all
    }
    expect(await sessions({})).toMatchObject([
      { role: 'viewer', rights: ['read'] },
      { role: 'operator', rights: ['read', 'operate', 'peek'] },
      { role: 'admin', rights: ['read', 'operate', 'administer', 'peek'] },
    ])
    const peeking = (await sessions({ peekFrom: 'admin' })).map(({ rights }) => rights.includes('peek'))
    expect(peeking).toEqual([false, false, true])
    expect((await sessions({ peekFrom: 'viewer' }))[0]!.rights).toEqual(['read', 'peek'])
    const { url } = await running()
    expect(await read(`${url}/api/session`)).toMatchObject({ role: 'admin' })
  })

  test('two roles with one token, and roles without an admin, are refused at the start', async () => {
    const start = (given: object): Promise<unknown> => startControl({ port: 0, version: '1', ...given })
    await expect(start({ token, operatorToken: token })).rejects.toThrow('the same token')
    await expect(start({ token, operatorToken, viewerToken: operatorToken })).rejects.toThrow(
      'the same token',
    )
    await expect(start({ operatorToken })).rejects.toThrow('token of admins')
    await expect(start({ token, operatorToken: 'short' })).rejects.toThrow('at least 16')
  })
})

describe('the audit of actions', () => {
  test('it shows no secret: not a password in a directory, not fields that no action has, and no endless text', async () => {
    const { url } = await running({ token, operatorToken, viewerToken })
    const password = 'hunter2'
    const directory = `s3://me:${password}@bucket/saved`
    await ask(url, { action: 'savepoint', directory, secret: password }, as('viewer'))
    await ask(url, { action: password, token: password }, as('viewer'))
    await ask(url, { action: 'pause', source: 'x'.repeat(10_000) }, as('viewer'))
    const ids = Array.from({ length: 30 }, (_, id) => `letter-${id}`)
    await ask(url, { action: 'drop', letters: { ids } }, as('viewer'))
    const text = await (
      await fetch(`${url}${pathOf('events', { job: 'sums' })}`, { headers: as('viewer') })
    ).text()
    expect(text).not.toContain(password)
    for (const secret of Object.values(tokens)) expect(text).not.toContain(secret)
    const [saved, unknown, paused, dropped] = (await audit(url)).map(([, asked]) => asked!)
    expect(saved).toContain('savepoint directory=s3://')
    expect(unknown).toBe('unknown')
    expect(paused!.length).toBeLessThan(300)
    expect(dropped).toMatch(/^drop ids=letter-0,letter-1,.*,letter-9 and 20 more$/)
  })

  test('a caller that is refused many times does not push out what others have done', async () => {
    const { url, watched } = await running({ token, operatorToken, viewerToken })
    await ask(url, { action: 'pause', source: 'numbers' }, as('operator'))
    const refused = { by: 'viewer', asked: 'stop', code: 'FORBIDDEN' }
    for (let at = 0; at < 10_000; at++) watched.happenings.add('actionFailed', 'warning', 'refused', refused)
    expect(await audit(url)).toContainEqual(['operator', 'pause source=numbers', 'done'])
  })
})
