import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createProject } from '../src/index.ts'

const root = path.resolve(import.meta.dirname, '../../..')
const run = promisify(execFile)

function scratch(): Promise<string> {
  return mkdtemp(path.join(os.tmpdir(), 'millrace-create-'))
}

describe('a new project', () => {
  test('compiles, and its test passes', async () => {
    const directory = path.join(await scratch(), 'word-counts')
    expect(await createProject(directory)).toContain('npm install')
    await symlink(path.join(root, 'node_modules'), path.join(directory, 'node_modules'))
    const { stdout } = await run('npm', ['test'], { cwd: directory })
    expect(stdout).toMatch(/ pass 2$/m)
    expect(stdout).toMatch(/ fail 0$/m)
    expect(await readFile(path.join(directory, '.gitignore'), 'utf8')).toContain('node_modules/')
  })

  test('takes the name of its directory, and depends on this version', async () => {
    const directory = path.join(await scratch(), 'my-job')
    await createProject(directory)
    const read = async (file: string) => JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
    const { version } = await read(path.join(root, 'packages/millrace/package.json'))
    expect(await read(path.join(directory, 'package.json'))).toMatchObject({
      name: 'my-job',
      dependencies: { millrace: `^${String(version)}`, '@millrace/connector-files': `^${String(version)}` },
      devDependencies: { '@millrace/simulator': `^${String(version)}` },
    })
  })

  test('a directory with files or with an invalid package name is rejected', async () => {
    const directory = path.join(await scratch(), 'taken')
    await mkdir(directory)
    await writeFile(path.join(directory, 'mine.txt'), 'mine')
    await expect(createProject(directory)).rejects.toThrow('is not empty: it has mine.txt')
    await expect(createProject(path.join(directory, 'My Job'))).rejects.toThrow(
      "'My Job' is not a valid package name",
    )
  })
})
