import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { workspace } from './source-file.ts'

/** Faults that the lint configuration must find, by the rule that finds them. */
const faults: Readonly<Record<string, readonly (readonly [file: string, text: string])[]>> = {
  'no-floating-promises': [
    ['core/src/floating.ts', 'export function f(): void {\n  g()\n}\nasync function g(): Promise<void> {}\n'],
  ],
  'no-misused-promises': [
    ['core/src/misused.ts', 'export function f(xs: number[]): void {\n  xs.forEach(async () => {})\n}\n'],
  ],
  'await-thenable': [
    ['core/src/thenable.ts', 'export async function f(): Promise<number> {\n  return await 1\n}\n'],
  ],
  'switch-exhaustiveness-check': [
    [
      'core/src/exhaustive.ts',
      "export function f(x: 'a' | 'b'): void {\n  switch (x) {\n    case 'a':\n  }\n}\n",
    ],
  ],
  'no-explicit-any': [['core/src/any.ts', 'export const a: any = 1\n']],
  'no-empty': [['core/src/empty.ts', 'try {\n  f()\n} catch {}\nfunction f(): void {}\n']],
  'no-console': [['cli/src/print.ts', "console.log('a')\n"]],
  'no-cycle': [
    ['core/src/one.ts', "import { two } from './two.ts'\nexport const one: number = two\n"],
    ['core/src/two.ts', "import { one } from './one.ts'\nexport const two: number = one\n"],
  ],
  'no-default-export': [['core/src/default.ts', 'export default 1\n']],
  'filename-case': [['core/src/camelCase.ts', 'export const a = 1\n']],
  'no-restricted-globals': [
    ['core/src/date.ts', 'export const a = Date.now()\n'],
    ['core/src/timeout.ts', 'setTimeout(() => {}, 1)\n'],
    ['core/src/interval.ts', 'globalThis.setInterval(() => {}, 1)\n'],
    ['core/src/immediate.ts', 'setImmediate(() => {})\n'],
    ['core/src/performance.ts', 'export const a = performance.now()\n'],
    ['core/src/chance.ts', 'export const a = crypto.randomUUID()\n'],
    ['connector-http/src/request.ts', "export const a = fetch('b')\n"],
    ['cli/src/facts.ts', 'export const a = process.argv\n'],
  ],
  'no-restricted-properties': [['flow/src/random.ts', 'export const a = Math.random()\n']],
  'no-focused-tests': [
    ['core/src/focus.test.ts', "import { test } from 'vitest'\ntest.only('a', () => {})\n"],
  ],
}

/** What doors may do, and what every file may do. */
const allowed: readonly (readonly [file: string, text: string])[] = [
  [
    'world/src/clock.ts',
    'export const a: number = Date.now() + performance.now()\nsetTimeout(() => {}, 1)\n',
  ],
  ['world/src/clock.test.ts', 'setTimeout(() => {}, 1)\n'],
  ['world/src/random.ts', 'export const a: string = Math.random() + crypto.randomUUID()\n'],
  ['world/src/scheduler.ts', 'setImmediate(() => {})\nexport const a = new MessageChannel()\n'],
  [
    'core/src/caught.ts',
    'try {\n  f()\n} catch {\n  // The reason is written here.\n}\nfunction f(): void {}\n',
  ],
]

interface Report {
  readonly diagnostics: readonly { readonly code: string; readonly filename: string }[]
}

describe('the lint configuration', () => {
  let folder = ''
  let found: string[] = []

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'millrace-lint-'))
    cpSync(path.join(workspace, '.oxlintrc.json'), path.join(folder, '.oxlintrc.json'))
    symlinkSync(path.join(workspace, 'node_modules'), path.join(folder, 'node_modules'))
    for (const [file, text] of [...Object.values(faults).flat(), ...allowed]) {
      const target = path.join(folder, 'packages', file)
      mkdirSync(path.dirname(target), { recursive: true })
      writeFileSync(target, text)
    }
    const oxlint = path.join(workspace, 'node_modules/oxlint/bin/oxlint')
    const run = spawnSync(process.execPath, [oxlint, '--format', 'json', 'packages'], {
      cwd: folder,
      encoding: 'utf8',
    })
    const report = JSON.parse(run.stdout) as Report
    found = report.diagnostics.map(
      ({ code, filename }) => `${/\((.*)\)/.exec(code)?.[1]} ${filename.replace('packages/', '')}`,
    )
  })

  afterAll(() => rmSync(folder, { recursive: true }))

  test.each(Object.entries(faults))('%s reports the planted fault', (rule, files) => {
    const expected = files.map(([file]) => `${rule} ${file}`)
    expect(found.filter((each) => expected.includes(each)).sort()).toEqual(expected.sort())
  })

  test.each(allowed)('%s reports nothing', (file) => {
    expect(found.filter((each) => each.endsWith(` ${file}`))).toEqual([])
  })
})
