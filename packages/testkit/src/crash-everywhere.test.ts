import { publishFile, writeFully } from '@millrace/core/disk'
import type { Fs } from '@millrace/core/disk'
import { stdout } from 'node:process'
import { expect, test } from 'vitest'
import { crashEverywhere } from './crash-everywhere.ts'
import type { CrashTrial } from './crash-everywhere.ts'

type Publish = (fs: Fs, directory: string, name: string, bytes: Uint8Array) => Promise<void>

const versions = ['a', 'bb', 'ccc'].map((letter) => letter.repeat(700))
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Publishes three versions; the last one promised, or the one under way, must be there as a whole. */
function publishing(publish: Publish): CrashTrial {
  let begun = -1
  let promised = -1
  return {
    async run(fs) {
      for (const [index, version] of versions.entries()) {
        begun = index
        await publish(fs, '.', 'file', bytes(version))
        promised = index
      }
    },
    async verify(fs) {
      const found = fs.peek('file')
      const allowed = versions.slice(Math.max(promised, 0), begun + 1)
      if (found === undefined) expect(promised, 'the file is gone').toBe(-1)
      else expect(allowed).toContain(new TextDecoder().decode(found))
    },
  }
}

test('publishFile is atomic and durable at every crash point', async () => {
  const report = await crashEverywhere(() => publishing(publishFile), { seeds: 20 })
  expect(report).toEqual({ operations: 15, outcomes: 181 })
})

test('publishFile is atomic and durable also with short writes and a temporary file left by a crash', async () => {
  const crashedBefore: Publish = async (fs, directory, name, content) => {
    const file = await fs.open(`${directory}/${name}.tmp`, 'append')
    await file.write(bytes('left behind'))
    await file.close()
    await publishFile(fs, directory, name, content)
  }
  const report = await crashEverywhere(() => publishing(crashedBefore))
  expect(report.operations).toBe(24)
})

const planted: Readonly<Record<string, Publish>> = {
  async 'writes in place'(fs, directory, name, content) {
    const file = await fs.open(`${directory}/${name}`, 'append')
    await file.truncate(0)
    await writeFully(file, content, name)
    await file.sync()
    await file.close()
    await fs.syncDirectory(directory)
  },
  async 'does not sync the file'(fs, directory, name, content) {
    const file = await fs.open(`${directory}/${name}.tmp`, 'create')
    await writeFully(file, content, name)
    await file.close()
    await fs.rename(`${directory}/${name}.tmp`, `${directory}/${name}`)
    await fs.syncDirectory(directory)
  },
  async 'does not sync the directory'(fs, directory, name, content) {
    const file = await fs.open(`${directory}/${name}.tmp`, 'create')
    await writeFully(file, content, name)
    await file.sync()
    await file.close()
    await fs.rename(`${directory}/${name}.tmp`, `${directory}/${name}`)
  },
  async 'syncs the file after the rename'(fs, directory, name, content) {
    const file = await fs.open(`${directory}/${name}.tmp`, 'create')
    await writeFully(file, content, name)
    await fs.rename(`${directory}/${name}.tmp`, `${directory}/${name}`)
    await file.sync()
    await file.close()
    await fs.syncDirectory(directory)
  },
  async 'does not wait for the sync'(fs, directory, name, content) {
    const file = await fs.open(`${directory}/${name}.tmp`, 'create')
    await writeFully(file, content, name)
    const synced = file.sync()
    const renamed = fs.rename(`${directory}/${name}.tmp`, `${directory}/${name}`)
    await Promise.all([synced, renamed])
    await fs.syncDirectory(directory)
  },
  async 'removes the old file first'(fs, directory, name, content) {
    const path = `${directory}/${name}`
    if (await fs.stat(path)) await fs.remove(path)
    await publishFile(fs, directory, name, content)
  },
}

test('the crash test detects every planted mistake in publishing a file', async () => {
  const missed: string[] = []
  for (const [name, publish] of Object.entries(planted)) {
    const isCaught = await crashEverywhere(() => publishing(publish), { seeds: 20 }).then(
      () => false,
      (error: unknown) => /crash (before|during|after) operation/.test(String(error)),
    )
    if (!isCaught) missed.push(name)
  }
  const count = Object.keys(planted).length
  stdout.write(`publishing a file: caught ${count - missed.length}/${count}\n`)
  expect(missed).toEqual([])
})
