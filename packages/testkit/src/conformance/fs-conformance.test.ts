import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { stdout } from 'node:process'
import { seededRandom } from '@millrace/world'
import type { Fs, FsFile } from '@millrace/core/disk'
import { MillraceError } from '@millrace/core'
import { nodeFs } from '@millrace/node'
import { describe, expect, test } from 'vitest'
import { SimFs } from '../sim-fs.ts'
import { describeCases, firstFailure } from './conformance-case.ts'
import { fsConformance } from './fs-conformance.ts'

async function inTemporaryDirectory(): Promise<{ fs: Fs; directory: string; close(): Promise<void> }> {
  const directory = await mkdtemp(`${tmpdir()}/millrace-fs-`)
  return { fs: nodeFs, directory, close: () => rm(directory, { recursive: true }) }
}

describeCases('nodeFs', fsConformance({ create: inTemporaryDirectory }), { describe, test })

async function simulated(): Promise<{ fs: SimFs; directory: string }> {
  const fs = new SimFs({ random: seededRandom(1) })
  await fs.makeDirectory('/data')
  return { fs, directory: '/data' }
}

describeCases('SimFs', fsConformance({ create: simulated }), { describe, test })

/** The file system, with some of its methods replaced. */
function alter(fs: Fs, changes: Partial<Fs>): Fs {
  const same: Fs = {
    open: (path, mode) => fs.open(path, mode),
    rename: (from, to) => fs.rename(from, to),
    remove: (path) => fs.remove(path),
    list: (path) => fs.list(path),
    stat: (path) => fs.stat(path),
    makeDirectory: (path) => fs.makeDirectory(path),
    removeDirectory: (path) => fs.removeDirectory(path),
    syncDirectory: (path) => fs.syncDirectory(path),
  }
  return { ...same, ...changes }
}

/** The file system, with some methods of its open files replaced. */
function alterFiles(fs: Fs, changes: (file: FsFile) => Partial<FsFile>): Fs {
  return alter(fs, {
    async open(path, mode) {
      const file = await fs.open(path, mode)
      const same: FsFile = {
        write: (bytes) => file.write(bytes),
        writeAt: (bytes, position) => file.writeAt(bytes, position),
        read: (into, position) => file.read(into, position),
        readSync: (into, position) => file.readSync(into, position),
        truncate: (size) => file.truncate(size),
        sync: () => file.sync(),
        size: () => file.size(),
        close: () => file.close(),
      }
      return { ...same, ...changes(file) }
    },
  })
}

const planted: Readonly<Record<string, (fs: Fs) => Fs>> = {
  'opening to read makes the file': (fs) => alter(fs, { open: (path) => fs.open(path, 'append') }),
  'creating takes over what exists': (fs) =>
    alter(fs, { open: (path, mode) => fs.open(path, mode === 'create' ? 'append' : mode) }),
  'appending empties the file': (fs) =>
    alter(fs, {
      async open(path, mode) {
        const file = await fs.open(path, mode)
        if (mode === 'append') await file.truncate(0)
        return file
      },
    }),
  'a read starts at the beginning': (fs) =>
    alterFiles(fs, (file) => ({ read: (into) => file.read(into, 0) })),
  'a read fills the whole underlying buffer': (fs) =>
    alterFiles(fs, (file) => ({
      read: (into, position) => file.read(new Uint8Array(into.buffer as ArrayBuffer), position),
    })),
  'a read reports what was asked for': (fs) =>
    alterFiles(fs, (file) => ({
      read: (into, position) => file.read(into, position).then(() => into.length),
    })),
  'a short write reports everything': (fs) =>
    alterFiles(fs, (file) => ({
      write: (bytes) => file.write(bytes.subarray(0, 7)).then(() => bytes.length),
    })),
  'a write by position goes to the end': (fs) =>
    alterFiles(fs, (file) => ({
      writeAt: async (bytes) => file.writeAt(bytes, await file.size()),
    })),
  'a write by position cuts what comes after': (fs) =>
    alterFiles(fs, (file) => ({
      async writeAt(bytes, position) {
        await file.truncate(position)
        return file.writeAt(bytes, position)
      },
    })),
  'opening to update makes the file': (fs) =>
    alter(fs, {
      async open(path, mode) {
        if (mode === 'update' && (await fs.stat(path)) === undefined)
          await (await fs.open(path, 'create')).close()
        return fs.open(path, mode)
      },
    }),
  'a synchronous read begins at the start': (fs) =>
    alterFiles(fs, (file) => ({ readSync: (into) => file.readSync(into, 0) })),
  'a cut does nothing': (fs) => alterFiles(fs, () => ({ truncate: () => Promise.resolve() })),
  'a cut leaves zeros for what comes after': (fs) =>
    alterFiles(fs, (file) => {
      let gap = 0
      return {
        async truncate(size) {
          gap = (await file.size()) - size
          await file.truncate(size)
        },
        async write(bytes) {
          await file.write(new Uint8Array(gap))
          gap = 0
          return file.write(bytes)
        },
      }
    }),
  'a closed file takes more': (fs) => alterFiles(fs, () => ({ close: () => Promise.resolve() })),
  'a rename keeps the file it should replace': (fs) =>
    alter(fs, {
      rename: async (from, to) => ((await fs.stat(to)) ? fs.remove(from) : fs.rename(from, to)),
    }),
  'a rename is a copy': (fs) =>
    alter(fs, {
      async rename(from, to) {
        await fs.rename(from, to)
        const copy = await fs.open(from, 'append')
        await copy.close()
      },
    }),
  'a rename onto itself removes the file': (fs) =>
    alter(fs, { rename: (from, to) => (from === to ? fs.remove(from) : fs.rename(from, to)) }),
  'the identity is the path': (fs) =>
    alter(fs, {
      stat: async (path) => {
        const found = await fs.stat(path)
        return found && { ...found, identity: path }
      },
    }),
  'removing what is missing succeeds': (fs) =>
    alter(fs, { remove: (path) => fs.remove(path).catch(() => {}) }),
  'the list is not sorted': (fs) => alter(fs, { list: async (path) => (await fs.list(path)).toReversed() }),
  'the list is sorted by locale': (fs) =>
    alter(fs, {
      list: async (path) => (await fs.list(path)).toSorted((a, b) => a.name.localeCompare(b.name)),
    }),
  'a missing directory has an empty list': (fs) =>
    alter(fs, { list: (path) => fs.list(path).catch(() => []) }),
  'stat rejects what is missing': (fs) =>
    alter(fs, {
      async stat(path) {
        const found = await fs.stat(path)
        if (found === undefined) throw new MillraceError('FS_NOT_FOUND', `${path}: missing`)
        return found
      },
    }),
  'an existing directory is refused': (fs) =>
    alter(fs, {
      async makeDirectory(path) {
        if (await fs.stat(path)) throw new MillraceError('FS_EXISTS', path)
        await fs.makeDirectory(path)
      },
    }),
  'a directory is removed with what is in it': (fs) =>
    alter(fs, {
      async removeDirectory(path) {
        for (const { name } of await fs.list(path)) await fs.remove(`${path}/${name}`)
        await fs.removeDirectory(path)
      },
    }),
  'a removed directory stays': (fs) =>
    alter(fs, { removeDirectory: (path) => fs.list(path).then((entries) => void entries) }),
  'errors of the system come through': (fs) =>
    alter(fs, {
      remove: (path) =>
        fs.remove(path).catch(() => {
          throw Object.assign(new Error(path), { code: 'ENOENT' })
        }),
    }),
  'an error does not say which file': (fs) =>
    alter(fs, {
      remove: (path) =>
        fs.remove(path).catch(() => {
          throw new MillraceError('FS_NOT_FOUND', 'there is no such file')
        }),
    }),
}

test('the file system kit detects every planted mistake', async () => {
  const missed: string[] = []
  for (const [name, breakIt] of Object.entries(planted)) {
    const create = async (): Promise<{ fs: Fs; directory: string }> => {
      const { fs, directory } = await simulated()
      return { fs: breakIt(fs), directory }
    }
    if ((await firstFailure(fsConformance({ create }))) === undefined) missed.push(name)
  }
  const count = Object.keys(planted).length
  stdout.write(`file systems: caught ${count - missed.length}/${count}\n`)
  expect(missed).toEqual([])
})
