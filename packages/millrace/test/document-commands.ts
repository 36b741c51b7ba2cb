import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

const root = path.resolve(import.meta.dirname, '../../..')

/** The commands in the `sh` blocks of a document, with those that a backslash continues as one. */
export async function commandsIn(document: string): Promise<readonly string[]> {
  const text = await readFile(path.join(root, document), 'utf8')
  return [...text.matchAll(/^ *```sh\n([^]*?)^ *```$/gm)].flatMap(([, body]) =>
    body!
      .replaceAll(/\\\n\s*/g, '')
      .split('\n')
      .map((line) => line.trim())
      // What is installed here is the workspace.
      .filter((line) => !/^(?:#|npm install |$)/.test(line)),
  )
}

/** Runs a command as a user would, and resolves to what it prints. Rejects if it fails. */
export async function shell(command: string, directory: string): Promise<string> {
  const script = `npx() { "$@"; }; curl() { command curl --fail "$@"; }; PATH="$PWD/node_modules/.bin:$PATH"; ${command}`
  const { stdout } = await promisify(execFile)('bash', ['-euc', script], { cwd: directory })
  return stdout
}
