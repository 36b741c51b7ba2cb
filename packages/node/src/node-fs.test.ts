import { existsSync } from 'node:fs'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { isMillraceError } from '@millrace/core'
import type { MillraceError } from '@millrace/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fsFailure } from './fs-failure.ts'
import { nodeFs } from './node-fs.ts'

// The conformance kit in testkit tests that nodeFs implements the contract.

async function failureOf(call: Promise<unknown>): Promise<MillraceError> {
  const error: unknown = await call.catch((thrown: unknown) => thrown)
  if (isMillraceError(error)) return error
  throw new Error(`no Millrace error: ${String(error)}`)
}

describe('errors of the system', () => {
  test.each([
    ['ENOENT', 'FS_NOT_FOUND', false],
    ['EEXIST', 'FS_EXISTS', false],
    ['ENOTEMPTY', 'FS_EXISTS', false],
    ['ENOSPC', 'FS_FULL', true],
    ['EDQUOT', 'FS_FULL', true],
    ['EROFS', 'FS_READ_ONLY', false],
    ['EACCES', 'FS_DENIED', false],
    ['EPERM', 'FS_DENIED', false],
    ['EIO', 'FS_IO', false],
    ['EMFILE', 'FS_IO', true],
    ['ESOMETHING', 'FS_IO', false],
  ])('%s becomes %s with path, advice and cause', (system, code, isTransient) => {
    const cause = Object.assign(new Error('from the system'), { code: system })
    const error = fsFailure(cause, 'data/a')
    expect(error).toMatchObject({ code, isTransient, cause })
    expect(error.message).toMatch(new RegExp(`^data/a: .*; .* \\(${system}\\)$`))
  })

  test.runIf(existsSync('/dev/full'))('a full disk is FS_FULL, and is transient', async () => {
    const file = await nodeFs.open('/dev/full', 'append')
    const error = await failureOf(file.write(new Uint8Array(10)))
    expect(error).toMatchObject({ code: 'FS_FULL', isTransient: true })
    await file.close()
  })

  // A device that cannot be synced serves as a broken disk.
  test.runIf(existsSync('/dev/null'))('F6 after a failed sync the file rejects every operation', async () => {
    const file = await nodeFs.open('/dev/null', 'append')
    expect(await file.write(new Uint8Array(10))).toBe(10)
    const first = await failureOf(file.sync())
    expect(first.code).toBe('FS_SYNC_FAILED')
    expect(await failureOf(file.sync())).toBe(first)
    expect(await failureOf(file.write(new Uint8Array(10)))).toBe(first)
    await file.close()
  })
})

test('a watched file reports changes until it is disposed, and one that does not exist reports none', async () => {
  const directory = await mkdtemp(`${tmpdir()}/millrace-node-`)
  const path = `${directory}/a.log`
  await writeFile(path, '')
  let changes = 0
  let wake = (): void => {}
  const hint = nodeFs.watch!(path, () => {
    changes++
    wake()
  })
  const changed = new Promise<void>((resolve) => (wake = resolve))
  const file = await nodeFs.open(path, 'append')
  await file.write(new Uint8Array(10))
  await changed
  hint[Symbol.dispose]()
  const before = changes
  await file.write(new Uint8Array(10))
  await file.close()
  nodeFs.watch!(`${directory}/none.log`, () => changes++)[Symbol.dispose]()
  expect(changes).toBe(before)
  await rm(directory, { recursive: true })
})

test('a file that reuses the inode of a removed one has its own identity', async () => {
  const directory = await mkdtemp(`${tmpdir()}/millrace-node-`)
  const identities = new Set<string | undefined>()
  // Some systems record the time of birth in ticks of a few milliseconds: run many rounds so that ticks pass.
  for (let round = 0; round < 60; round++) {
    await writeFile(`${directory}/a`, 'a')
    identities.add((await nodeFs.stat(`${directory}/a`))?.identity)
    await rm(`${directory}/a`)
  }
  await rm(directory, { recursive: true })
  expect(identities.size).toBeGreaterThan(1)
})

describe('symbolic links', () => {
  let directory = ''
  beforeEach(async () => {
    directory = await mkdtemp(`${tmpdir()}/millrace-node-`)
  })
  afterEach(() => rm(directory, { recursive: true }))

  test('are followed, and a broken one cannot be read', async () => {
    await writeFile(`${directory}/file`, 'abc')
    await symlink(`${directory}/file`, `${directory}/link`)
    await symlink(`${directory}`, `${directory}/loop`)
    await symlink(`${directory}/missing`, `${directory}/broken`)
    await symlink(`${directory}/circle`, `${directory}/circle`)
    expect(await nodeFs.list(directory)).toEqual([
      { name: 'broken', kind: 'other' },
      { name: 'circle', kind: 'other' },
      { name: 'file', kind: 'file' },
      { name: 'link', kind: 'file' },
      { name: 'loop', kind: 'directory' },
    ])
    expect(await nodeFs.stat(`${directory}/link`)).toEqual(await nodeFs.stat(`${directory}/file`))
    expect(await nodeFs.stat(`${directory}/broken`)).toBeUndefined()
    expect((await failureOf(nodeFs.stat(`${directory}/circle`))).message).toMatch(/circle: .*; .*\(ELOOP\)$/)
  })
})
