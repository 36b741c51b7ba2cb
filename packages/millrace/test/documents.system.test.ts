import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { project } from './command.ts'
import { transcriptOf } from './transcript.ts'

const root = path.resolve(import.meta.dirname, '../../..')

/** The documents that show a shell session. */
const documents = [
  'README.md',
  ...['docs/guide', 'docs/concepts'].flatMap((folder) =>
    readdirSync(path.join(root, folder)).map((name) => `${folder}/${name}`),
  ),
]
  .map((name) => ({ name, ...transcriptOf(readFileSync(path.join(root, name), 'utf8')) }))
  .filter(({ steps }) => steps.length > 0)

/** Runs a command as a user would in `directory`, and resolves to what it writes to standard output. */
async function shell(command: string, directory: string): Promise<string> {
  // npx itself would ask the registry for unknown commands.
  const script = `npx() { "$@"; }; PATH="$PWD/node_modules/.bin:$PATH"; ${command}`
  const { stdout } = await promisify(execFile)('bash', ['-euc', script], { cwd: directory })
  return stdout
}

describe('shell sessions in the documents', () => {
  test.each(documents)('$name: every command prints the documented output', async ({ files, steps }) => {
    const directory = await project(files)
    for (const { line, command, output } of steps) {
      expect({ line, output: await shell(command, directory) }).toEqual({ line, output })
    }
  })

  test('are found in the README and in the first guide', () => {
    expect(documents.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['README.md', 'docs/guide/getting-started.md']),
    )
  })
})

test('a transcript has the files and the commands of its document', () => {
  const text =
    'Make `a/b.ts`:\n\n```ts\ncode\n```\n\nAnd:\n\n```console\n$ one\n$ two 2\nx\ny\n```\n\n```ts\nno file\n```\n'
  expect(transcriptOf(text)).toEqual({
    files: { 'a/b.ts': 'code\n' },
    steps: [
      { line: 10, command: 'one', output: '' },
      { line: 11, command: 'two 2', output: 'x\ny\n' },
    ],
  })
})
