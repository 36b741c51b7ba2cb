import { execFile } from 'node:child_process'
import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'
import type { ChangedLine } from './mutant.ts'

const workspace = path.resolve(import.meta.dirname, '../..')
const vitest = path.join(workspace, 'node_modules/vitest/vitest.mjs')

/** The part of Vitest's JSON report that is used. */
interface Report {
  readonly testResults: readonly {
    readonly message: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

/** Runs test files with a changed line; returns the names of the failed tests, or undefined if all pass. */
export async function failingTests(
  plant: ChangedLine,
  files: readonly string[],
  directory: string,
  limitMs: number,
): Promise<string | undefined> {
  await mkdir(directory, { recursive: true })
  const output = path.join(directory, 'report.json')
  const config = path.join(import.meta.dirname, 'mutant.config.ts')
  const report = ['--reporter=json', `--outputFile=${output}`]
  await new Promise<void>((resolve) => {
    const env = { ...process.env, MILLRACE_PLANTED_BUG: JSON.stringify(plant) }
    const options = { cwd: workspace, env, timeout: limitMs }
    execFile(process.execPath, [vitest, 'run', '--config', config, ...report, ...files], options, () =>
      resolve(),
    )
  })
  const { testResults } = JSON.parse(await readFile(output, 'utf8')) as Report
  const failed = testResults.flatMap(({ assertionResults, message }) => {
    const names = assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName)
    return names.length === 0 && message !== '' ? [message] : names
  })
  if (testResults.length === 0) throw new Error(`no test was run of ${files.join(', ')}`)
  return failed.length === 0 ? undefined : failed.join('\n')
}
