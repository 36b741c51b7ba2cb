import { access } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { generator } from '@millrace/connector-generator'
import {
  isMillraceError,
  memory,
  type MemorySink,
  pipeline,
  run,
  start,
  type JobEvent,
} from '../src/index.ts'
import { scratch } from './command.ts'

/** Multiplies 1, 2, 3 by a parameter. */
function multiplying(sink: MemorySink<number>) {
  return pipeline(
    'multiplying',
    (p) => {
      const by = p.parameter('by', 2)
      p.from('numbers', memory.read({ all: [1, 2, 3] }))
        .map((n) => {
          if (by === 0) throw new Error('nothing is left')
          return n * by
        })
        .to('out', sink)
    },
    { checkpointEvery: '7s', parallelism: 2 },
  )
}

describe('run', () => {
  test('runs a pipeline to the end of its input, with its parameters and settings', async () => {
    const dataDir = await scratch()
    const sink = memory.write<number>()
    const events: JobEvent[] = []
    const options = {
      dataDir,
      parameters: { by: 10 },
      observer: (event: JobEvent) => void events.push(event),
    }
    expect(await run(multiplying(sink), options)).toEqual({ outcome: 'finished' })
    expect(sink.values).toEqual([10, 20, 30])
    expect(events.find(({ kind }) => kind === 'started')).toMatchObject({ checkpointEveryMs: 7_000 })
  })

  test('options override the settings of the pipeline', async () => {
    const events: JobEvent[] = []
    await run(multiplying(memory.write()), {
      dataDir: await scratch(),
      checkpointEvery: 250,
      observer: (event) => void events.push(event),
    })
    expect(events.find(({ kind }) => kind === 'started')).toMatchObject({ checkpointEveryMs: 250 })
  })

  test('rejects with the error of a failed job', async () => {
    const options = { dataDir: await scratch(), parameters: { by: 0 }, restart: { kind: 'none' } } as const
    const error: unknown = await run(multiplying(memory.write()), options).catch((thrown: unknown) => thrown)
    expect(isMillraceError(error) && error.code).toBe('OPERATOR_FAILED')
  })

  test('rejects an unknown parameter and an invalid duration', async () => {
    const given = multiplying(memory.write())
    await expect(run(given, { parameters: { bye: 3 } })).rejects.toThrow("has no parameter 'bye'")
    await expect(run(given, { checkpointEvery: 'soon' })).rejects.toThrow('checkpointEvery is "soon"')
  })

  test('stops gracefully when its signal is aborted, before or after the start', async () => {
    const stop = new AbortController()
    const endless = pipeline('endless', (p) => {
      p.from('numbers', generator.generate({ seed: 1, rate: 1_000, make: ({ index }) => index }))
        .tap(() => stop.abort())
        .to('out', memory.write())
    })
    const during = await run(endless, { dataDir: await scratch(), signal: stop.signal })
    expect(during).toEqual({ outcome: 'stopped' })
    const before = await run(endless, { dataDir: await scratch(), signal: AbortSignal.abort() })
    expect(before).toEqual({ outcome: 'stopped' })
  })
})

describe('start', () => {
  test('stores its data in .millrace under the name of the pipeline', async () => {
    const before = process.cwd()
    const directory = await scratch()
    process.chdir(directory)
    try {
      const job = start(multiplying(memory.write()))
      expect(job.status().phase).toBe('starting')
      expect(await job.ended).toEqual({ outcome: 'finished' })
    } finally {
      process.chdir(before)
    }
    await access(path.join(directory, '.millrace/multiplying/checkpoints'))
  })
})
