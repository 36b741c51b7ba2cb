import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Command, project } from './command.ts'
import { commandsIn, shell } from './document-commands.ts'

test('docs/operating: every command for a pipeline runs against the job of control.md', async () => {
  const pipelineText = await readFile(path.join(import.meta.dirname, 'pipelines/fraud.ts'), 'utf8')
  const directory = await project({ 'fraud.ts': pipelineText })
  await mkdir(`${directory}/backups`)
  const documents = ['control', 'metrics', 'running', 'production']
  const commands = (
    await Promise.all(documents.map((name) => commandsIn(`docs/operating/${name}.md`)))
  ).flat()
  const starts = commands.filter((command) => command.startsWith('npx millrace run '))
  const served = starts.find((command) => command.includes('--control'))!
  const restored = starts.find((command) => command.includes('--data-dir'))!
  const stop = 'npx millrace stop .millrace/fraud'
  expect(commands).toContain(stop)
  expect(commands.filter((command) => command.startsWith('curl')).length).toBeGreaterThan(4)

  const first = served.replace('--control 9090', '--control 0').split(' ').slice(2)
  const job = new Command(first, directory)
  onTestFinished(() => job.kill('SIGKILL'))
  await job.says(/checkpoint 2,/)
  const record = await readFile(`${directory}/.millrace/fraud/control.json`, 'utf8')
  const { url } = JSON.parse(record) as { readonly url: string }
  for (const command of commands) {
    if (command === stop || starts.includes(command)) continue
    const given = command.replace('http://127.0.0.1:9090', url).replace('--seconds 10', '--seconds 1')
    const printed = await shell(given, directory)
    if (command.startsWith('curl')) expect([command, printed]).not.toEqual([command, ''])
  }
  await shell(stop, directory)
  expect((await job.ended).code).toBe(0)

  const second = new Command(restored.split(' ').slice(2), directory)
  onTestFinished(() => second.kill('SIGKILL'))
  await second.says(/'fraud' runs from checkpoint/)
  second.kill('SIGTERM')
  expect((await second.ended).code).toBe(0)
})
