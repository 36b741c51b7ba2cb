import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { Command, pipelineFile, project, scratch } from './command.ts'
import { commandsIn, shell } from './document-commands.ts'

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

test('the commands of metrics.md load a module that sets the providers', async () => {
  const commands = await commandsIn('docs/operating/metrics.md')
  const [set, run] = commands.filter((command) => !command.startsWith('curl ')) as [string, string]
  expect([set, run]).toEqual([
    expect.stringContaining('NODE_OPTIONS'),
    expect.stringContaining('--opentelemetry'),
  ])
  const providers = path.resolve(import.meta.dirname, '../../opentelemetry/test/console-providers.js')
  const directory = await project({
    'telemetry.js': await readFile(providers, 'utf8'),
    'words.ts': `import { memory, pipeline } from 'millrace'
export default pipeline('words', (p) => p.from('words', memory.read(['a', 'b'])).to('out', memory.write()))
`,
  })
  const printed = await shell(`${set}; ${run}`, directory)
  expect(printed).toMatch(/name: 'millrace\.operator\.records_in'/)
})
