import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = path.resolve(import.meta.dirname, '../../..')
const run = promisify(execFile)

test('packed packages pass publint and attw, install in a new project, and run there', async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'millrace-install-'))
  const packed = path.join(directory, 'packed')
  await run('npx', ['tsx', 'scripts/pack.ts', packed], { cwd: root })
  const names = await readdir(packed)
  const tarballs = names.map((name) => path.join(packed, name))
  for (const tarball of tarballs) {
    await run('npx', ['publint', '--strict', tarball], { cwd: root })
    await run('npx', ['attw', '--profile', 'esm-only', tarball], { cwd: root })
  }

  const create = tarballs.find((tarball) => tarball.includes('create-millrace'))!
  const project = path.join(directory, 'word-counts')
  await run('npm', ['exec', '--yes', '--package', create, 'create-millrace', project])
  const others = tarballs.filter((tarball) => tarball !== create)
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', ...others], { cwd: project })
  await run('npx', ['millrace', 'run', 'words.ts', '--bounded'], { cwd: project })
  const { stdout } = await run('npm', ['test'], { cwd: project })
  expect(stdout).toMatch(/ fail 0$/m)

  const simulate = () => run('npx', ['millrace', 'simulate', 'words.ts', '--seeds', '3'], { cwd: project })
  await simulate()
  // A production install has no simulator.
  await rm(path.join(project, 'node_modules/@millrace/simulator'), { recursive: true })
  await expect(simulate()).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('npm install --save-dev @millrace/simulator') as string,
  })

  // Channels are a library of their own.
  const alone = path.join(directory, 'alone')
  await mkdir(alone)
  await run('npm', ['init', '--yes'], { cwd: alone })
  const needed = tarballs.filter((tarball) => /millrace-(?:channels|world)-/.test(tarball))
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', ...needed], { cwd: alone })
  expect(await readdir(path.join(alone, 'node_modules/@millrace'))).toEqual(['channels', 'world'])
  const program =
    "import { Channel, sleep, systemClock } from '@millrace/channels'; const c = new Channel(1); " +
    'await sleep(systemClock, 1); await c.send(7); console.log((await c.receive()).value)'
  const printed = await run('node', ['--input-type=module', '--eval', program], { cwd: alone })
  expect(printed.stdout).toBe('7\n')
})
