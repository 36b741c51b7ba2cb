import { describe, expect, test } from 'vitest'
import { millrace, pipelineFile } from './command.ts'

const numbers = ['explain', pipelineFile('numbers.ts'), '--parameter', 'out=x']

describe('millrace explain', () => {
  test('shows the state and the guarantees of each part', async () => {
    expect(await millrace(numbers)).toMatchObject({
      code: 0,
      err: '',
      out: `numbers

numbers               from generator, replayable; keeps how far each split has been read
└─ withTimestamps-1   withTimestamps, maxOutOfOrderness 0ms, never idle
   └─ sums            window by key; keeps n, sum of each key and window until it ends; tumbling windows of 100ms
      └─ file         to files, exactly-once

runs as 3 tasks of 1 subtask each
  numbers + withTimestamps-1 → sums by key
  sums → file
  file

guarantee: exactly-once
  file: exactly-once

what this means: https://github.com/millrace/millrace/blob/main/docs/operating/running.md#seeing-what-a-pipeline-does
`,
    })
  })

  test('prints JSON and a Mermaid flowchart', async () => {
    const json = await millrace([...numbers, '--format', 'json', '--parallelism', '2'])
    expect(JSON.parse(json.out)).toMatchObject({
      pipeline: 'numbers',
      parallelism: 2,
      guarantee: 'exactly-once',
    })
    expect((await millrace([...numbers, '--json', '--parallelism', '2'])).out).toBe(json.out)
    expect((await millrace([...numbers, '--format', 'mermaid'])).out).toMatch(/^flowchart LR\n/)
  })

  test('runs nothing and writes nothing', async () => {
    const { code, out } = await millrace(['explain', pipelineFile('stalled.ts')])
    expect(code).toBe(0)
    expect(out).not.toContain('writing')
  })
})
