import path from 'node:path'
import { expect, test } from 'vitest'
import { Command, pipelineFile, scratch } from './command.ts'

test('with --opentelemetry sends metrics and traces to the global providers, also those of the end', async () => {
  const directory = await scratch()
  const telemetry = path.resolve(import.meta.dirname, '../../opentelemetry/test/console-providers.js')
  const options = ['--bounded', '--opentelemetry', '--data-dir', `${directory}/data`]
  const job = new Command(
    ['run', pipelineFile('numbers.ts'), ...options, '--parameter', `out=${directory}/out`],
    undefined,
    ['--import', telemetry],
  )
  const { code, out, err } = await job.ended
  expect([code, err]).toEqual([0, expect.stringContaining('finished: 2,000 records in')])
  expect(out).toMatch(/name: 'millrace\.operator\.records_in'/)
  expect(out).toMatch(/^span \w+ millrace\.start$/m)
  expect(out).toMatch(/^span \w+ millrace\.checkpoint$/m)
})

test('with --opentelemetry sends the spans of sampled records, also those of other threads', async () => {
  const directory = await scratch()
  const telemetry = path.resolve(import.meta.dirname, '../../opentelemetry/test/console-providers.js')
  const parameters = ['--data-dir', `${directory}/data`, '--parameter', `out=${directory}/out`]
  const { code, out } = await new Command(
    ['run', pipelineFile('traced.ts'), '--bounded', '--opentelemetry', '--parallelism', '2', ...parameters],
    undefined,
    ['--import', telemetry],
  ).ended
  expect(code).toBe(0)
  const spans = [...out.matchAll(/^span 0{31}(\d) (\w+)$/gm)]
  expect(spans.map(([, trace, name]) => `${trace} ${name}`).toSorted()).toEqual(
    ['1', '2', '3'].flatMap((trace) => [`${trace} file`, `${trace} seen`]),
  )
})
