import type { CallFrame, ProfileNode } from '@millrace/core/disk'
import type { ThreadProfile } from '@millrace/core/job'
import { afterEach, describe, expect, test } from 'vitest'
import { pathOf, type JobProfile } from '../src/contract.ts'
import { jobProfile } from '../src/profile/profile-job.ts'
import { ended, read, running } from './running-api.ts'

afterEach(ended)

const url = 'millrace:part/1'

function frame(functionName: string, where = ''): CallFrame {
  return { functionName, url: where, scriptId: where === '' ? '0' : '9', lineNumber: 4, columnNumber: 0 }
}

function node(id: number, callFrame: CallFrame, ...children: readonly number[]): ProfileNode {
  return { id, callFrame, children }
}

/**
 * One sample a millisecond: the source in its turn, the operator `sum` and what it calls, the sink below it in the same stack,
 * the engine in the turn of the chain, nothing, garbage collection, and code outside of every turn.
 */
const profile: ThreadProfile = {
  worker: 'main',
  cpu: {
    nodes: [
      node(1, frame('(root)'), 2, 3, 7, 8, 9),
      node(2, frame('poll', 'file:///app/source.js')),
      node(3, frame('process', 'file:///app/chain.js'), 4),
      node(4, frame('handle', url), 5, 6),
      node(5, frame('add', 'file:///app/fraud.ts?tsx')),
      node(6, frame('emit', 'file:///app/link.js')),
      node(7, frame('(idle)')),
      node(8, frame('(garbage collector)')),
      node(9, frame('serve', 'file:///app/server.js')),
    ],
    startTime: 5_000,
    endTime: 14_000,
    samples: [2, 5, 5, 6, 3, 7, 8, 9],
    timeDeltas: [1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000],
    startedAtMs: 100,
  },
  frames: [{ url, functionName: 'handle', part: 'sum' }],
  turns: {
    subtasks: [
      { task: 'numbers', subtask: 0 },
      { task: 'sum', subtask: 0 },
    ],
    at: [100, 101.5, 105.5],
    subtask: [0, 1, -1],
  },
}

describe('a profile by operator', () => {
  test('charges each sample to the innermost part, to the source whose turn it is, or to the rest', async () => {
    const { watched } = await running()
    const { cpuMs, operators, others, threads } = jobProfile(watched, [profile], new Map())
    expect(cpuMs).toBe(7)
    expect(operators.map(({ operator, cpuMs: own }) => [operator, own])).toEqual([
      ['sum', 3],
      ['numbers', 1],
      ['out', 0],
    ])
    expect(operators[0]).toMatchObject({
      share: 3 / 7,
      records: 5,
      nsPerRecord: 600_000,
      functions: [
        { name: 'add', place: '/app/fraud.ts:5', cpuMs: 2 },
        { name: 'emit', place: '/app/link.js:5', cpuMs: 1 },
      ],
    })
    expect(others.map(({ name, cpuMs: own }) => [name.split(':')[0], own])).toEqual([
      ['(engine', 1],
      ['(garbage collection)', 1],
      ['(outside of tasks', 1],
    ])
    expect(threads.map(({ idleMs }) => idleMs)).toEqual([1])
  })

  test('has a file whose first level are the parts, with the functions that each calls', async () => {
    const { watched } = await running()
    const { profile: file } = jobProfile(watched, [profile], new Map()).threads[0]!
    const nodes = new Map(file.nodes.map((each) => [each.id, each]))
    const names = (id: number): readonly string[] =>
      nodes.get(id)!.children.map((child) => nodes.get(child)!.callFrame.functionName)
    expect(names(1)).toContain("'sum'")
    const sum = file.nodes.find(({ callFrame }) => callFrame.functionName === "'sum'")!
    expect(names(sum.id)).toEqual(['add', 'emit'])
    expect(file.samples).toHaveLength(profile.cpu.samples.length)
    expect(file.nodes.reduce((hits, { hitCount }) => hits + hitCount, 0)).toBe(file.samples.length)
  })
})

test('the profile of a running job: V8 is asked, for admins only, within bounds, one at a time', async () => {
  const [token, viewerToken] = ['admin-token-01234567', 'viewer-token-012345']
  const { url: base, watched } = await running({ token, viewerToken })
  const route = `${base}${pathOf('profile', { job: 'sums' })}`
  const as = (given: string): RequestInit => ({ headers: { authorization: `Bearer ${given}` } })
  expect((await fetch(`${route}?seconds=1`, as(viewerToken))).status).toBe(403)
  expect((await fetch(`${route}?seconds=0`, as(token))).status).toBe(400)
  expect((await fetch(`${route}?seconds=61`, as(token))).status).toBe(400)
  const running1 = watched.job.profile(300)
  expect((await fetch(`${route}?seconds=1`, as(token))).status).toBe(409)
  await running1
  const asked = (): Promise<JobProfile> => read(`${route}?seconds=1`, { authorization: `Bearer ${token}` })
  const { operators, threads } = await asked()
  expect(operators.map(({ operator }) => operator).toSorted()).toEqual(['numbers', 'out', 'sum'])
  expect(threads[0]!.profile.samples.length).toBeGreaterThan(0)
  // At the moment of a checkpoint a subtask has its barrier as input.
  const doing = async (): Promise<readonly (readonly string[])[]> =>
    (await asked()).subtasks.map((each) => [each.task, each.doing])
  await expect.poll(doing, { timeout: 300_000 }).toContainEqual(['sum', 'waits for input'])
})
