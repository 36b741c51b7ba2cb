import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Command, project } from './command.ts'
import { commandsIn, shell } from './document-commands.ts'

const undo = 'npx millrace reset .millrace/fraud --undo'
const savepoint = 'npx millrace savepoint .millrace/fraud --to backups/before-upgrade'

/** Makes checkpoints of the pipeline of the document, and the savepoint that it names, and stops. */
async function stoppedJob(directory: string): Promise<void> {
  const job = new Command(['run', 'fraud.ts', '--control', '0'], directory)
  onTestFinished(() => job.kill('SIGKILL'))
  await job.says(/checkpoint 2,/)
  await shell(savepoint, directory)
  await job.says(/checkpoint (?:[89]|\d\d+),/)
  job.kill('SIGTERM')
  expect((await job.ended).code).toBe(0)
}

test('docs/operating/checkpoints.md: every command runs against a data directory', async () => {
  const text = await readFile(path.join(import.meta.dirname, 'pipelines/velocity.ts'), 'utf8')
  const directory = await project({ 'fraud.ts': text })
  await mkdir(`${directory}/backups`)
  await stoppedJob(directory)
  const listed = await shell('npx millrace checkpoints .millrace/fraud', directory)
  const newest = /^checkpoint (\d+) /.exec(listed)![1]!
  const commands = await commandsIn('docs/operating/checkpoints.md')
  const [run, ...others] = [
    ...commands.filter((command) => command.includes('millrace run')),
    ...commands.filter((command) => !command.includes('millrace run')),
  ]
  expect(others.length).toBeGreaterThan(9)
  expect(others).toContain(undo)
  let isReset = false
  for (const command of others) {
    // A source that forgets its positions cannot be given one, so each reset is tried by itself.
    if (isReset && command.includes('--yes')) await shell(undo, directory)
    // The splits of the document are those of Kafka.
    const given = command
      .replace('--checkpoint 14', `--checkpoint ${newest}`)
      .replace('payments/0=41200', 'payments/0-of-1={"index":100}')
    const printed = await shell(given, directory)
    if (!command.includes(' > ')) expect([command, printed]).not.toEqual([command, ''])
    if (command.includes('--yes')) isReset = true
  }
  // The newest checkpoint has the positions and the state of before again.
  const state = await shell('npx millrace state ls .millrace/fraud --committed', directory)
  expect(state).toContain('velocity (process): 50 keys of type string')

  const onDisk = new Command(run!.split(' ').slice(1), directory)
  onTestFinished(() => onDisk.kill('SIGKILL'))
  await onDisk.says(/'fraud' runs from checkpoint/)
  onDisk.kill('SIGTERM')
  expect((await onDisk.ended).code).toBe(0)
})
