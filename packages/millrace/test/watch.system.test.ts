import { readFile, rename, writeFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Command, project } from './command.ts'

const pipelineText = `
import { pipeline } from 'millrace'
import { files } from '@millrace/connector-files'
import { generator } from '@millrace/connector-generator'
import { label } from './label.ts'

export default pipeline('labels', (p) => {
  p.from('numbers', generator.generate({ seed: 1, rate: 200, make: ({ index }) => index }))
    .keyBy(() => 'all')
    .scan('sum', () => 0, (sum: number, n) => sum + n)
    .map(({ value }) => ({ label, value }))
    .to('file', files.writeNdjson('out/labels.ndjson'))
}, { checkpointEvery: '100ms' })
`

interface Row {
  readonly label: string
  readonly value: number
}

async function rowsIn(directory: string): Promise<readonly Row[]> {
  const text = await readFile(`${directory}/out/labels.ndjson`, 'utf8').catch(() => '')
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Row)
}

/** Waits until the job has written a row with this label. */
async function written(directory: string, label: string): Promise<void> {
  while (!(await rowsIn(directory)).some((row) => row.label === label)) await wait(50)
}

async function watched(): Promise<{ readonly directory: string; readonly command: Command }> {
  const directory = await project({
    'labels.ts': pipelineText,
    'label.ts': "export const label: string = 'first'\n",
  })
  const command = new Command(['run', 'labels.ts', '--watch', '--data-dir', 'data'], directory)
  onTestFinished(() => command.kill('SIGKILL'))
  await written(directory, 'first')
  return { directory, command }
}

describe('millrace run --watch', () => {
  test('resumes from the checkpoint when an imported file changes, also if an editor replaces it', async () => {
    const { directory, command } = await watched()
    await writeFile(`${directory}/label.ts.new`, "export const label: string = 'second'\n")
    await rename(`${directory}/label.ts.new`, `${directory}/label.ts`)
    await command.says(/'labels' runs from checkpoint \d+/)
    await written(directory, 'second')
    command.kill('SIGTERM')
    expect((await command.ended).code).toBe(0)
    const rows = await rowsIn(directory)
    // Sums of 0, 1, 2 and so on: nothing is lost or repeated across the change of programs.
    expect(rows.map(({ value }) => value)).toEqual(rows.map((_, n) => (n * (n + 1)) / 2))
    const labels = rows.map(({ label }) => label)
    expect(labels).toEqual(labels.toSorted())
  })

  test('a broken file and state that does not fit are explained, the job continues, and the next change counts', async () => {
    const { directory, command } = await watched()
    await writeFile(`${directory}/labels.ts`, pipelineText.replace('export default', 'export default ('))
    await command.says(/labels\.ts cannot be loaded[^]*the program before continues/)
    const before = (await rowsIn(directory)).length
    while ((await rowsIn(directory)).length <= before) await wait(50)
    await writeFile(`${directory}/labels.ts`, pipelineText.replace(".scan('sum'", ".scan('total'"))
    await command.says(/sum +incompatible[^]*a start would be refused[^]*the program before continues/)
    await writeFile(`${directory}/label.ts`, "export const label: string = 'third'\n")
    await writeFile(`${directory}/labels.ts`, pipelineText)
    await written(directory, 'third')
    command.kill('SIGTERM')
    expect((await command.ended).code).toBe(0)
  })

  test('a file that is broken at the start is run once it can be', async () => {
    const directory = await project({ 'labels.ts': pipelineText })
    const command = new Command(['run', 'labels.ts', '--watch', '--data-dir', 'data'], directory)
    onTestFinished(() => command.kill('SIGKILL'))
    await command.says(/ended with exit code 3; waiting for a change/)
    await writeFile(`${directory}/label.ts`, "export const label: string = 'now'\n")
    await written(directory, 'now')
    command.kill('SIGINT')
    expect((await command.ended).code).toBe(0)
  })
})
