import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startControl, type Control } from '@millrace/control'
import type { DeadLetter } from '@millrace/core/operator'
import { jobOptionsOf } from '@millrace/flow'
import { deadLetter, memory, memoryStore, nodePlatform, pipeline, secret, type Pipeline } from 'millrace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answers, EchoServer, explained, filesIn, leaks, printed, reported } from './outputs.ts'
import { marker, plants, type Give, type Plant } from './planted.ts'

const controlToken = `${marker}-of-control`
const echo = new EchoServer()
let control: Control
let host = ''
let root = ''
let jobs = 0

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'millrace-secrets-'))
  host = await echo.listen()
  control = await startControl({ port: 0, version: '1', token: secret(controlToken) })
})
afterAll(async () => {
  echo.close()
  await control.close()
  await rm(root, { recursive: true, force: true })
})

function planted(plant: Plant, give: Give): Pipeline {
  const part = plant(host, give)
  return pipeline(`job-${++jobs}`, (p) => {
    if ('source' in part) p.from('in', part.source).to('out', memory.write())
    else p.from('in', memory.read(['a', 'b'])).to('out', part.sink)
  })
}

/** Runs a pipeline until it ends, at most for `limitMs`, and returns everything that can be seen of it. */
async function outputsOf(subject: Pipeline, limitMs?: number): Promise<Record<string, string>> {
  const dataDir = path.join(root, subject.name)
  const watched = control.start({
    job: {
      ...jobOptionsOf(subject, { dataDir, checkpointEvery: '20ms' }),
      platform: nodePlatform(),
      store: memoryStore(),
      restart: { kind: 'none' },
    },
  })
  const limit = limitMs === undefined ? [] : [new Promise((resolve) => setTimeout(resolve, limitMs))]
  await Promise.race([watched.job.ended, ...limit])
  watched.measure()
  const seen = await answers(control.url, subject.name, controlToken)
  await watched.job.cancel()
  const result = await watched.job.ended
  return {
    ...seen,
    ...reported(watched, 'error' in result ? result.error : undefined),
    ...explained(subject.describe({}).graph),
    ...(await filesIn(dataDir)),
  }
}

describe.each([
  ['text', (text: string) => text],
  ['a Secret', (text: string) => secret(text)],
] as const)('given as %s', (_kind, give) => {
  test.each(Object.keys(plants))('%s: no output shows it', async (name) => {
    // A job that waits for its server has said why by then, or says nothing.
    const outputs = await outputsOf(planted(plants[name]!, give), 1_500)
    expect(Object.keys(outputs).length).toBeGreaterThan(20)
    expect(leaks(outputs)).toEqual([])
  })
})

test('an address with a password in an error of a step is masked in dead letters, messages and files', async () => {
  const letters = memory.write<DeadLetter>()
  const outputs = await outputsOf(
    pipeline('failing', (p) => {
      const dead = deadLetter('letters', letters)
      p.from('in', memory.read(['a', 'b']))
        .map(() => fail(), { name: 'ask', onError: dead })
        .to('out', memory.write())
    }),
  )
  expect(letters.values).toHaveLength(2)
  expect(letters.values[0]).toMatchObject({ message: expect.stringContaining('postgres://***@db/orders') })
  expect(leaks({ ...outputs, letters: printed(letters.values) })).toEqual([])
})

test('an address with a password in the error that ends a job is masked', async () => {
  const outputs = await outputsOf(
    pipeline('ending', (p) => {
      p.from('in', memory.read(['a', 'b']))
        .map(() => fail(), { name: 'ask' })
        .to('out', memory.write())
    }),
  )
  // The error of the program itself is its cause, and is left as it is.
  delete outputs['the error']
  expect(outputs['the description of the error']).toContain('postgres://***@db/orders')
  expect(leaks(outputs)).toEqual([])
})

test('the search finds a secret as text and in a header field', () => {
  const basic = Buffer.from(`app:${marker}`).toString('base64')
  expect(leaks({ a: `x ${marker}`, b: `Basic ${basic}`, c: 'nothing' })).toHaveLength(2)
})

function fail(): never {
  throw new Error(`no answer of postgres://app:${marker}@db/orders`)
}
