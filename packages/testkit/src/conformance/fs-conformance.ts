import { publishFile, readWhole, writeFully, writeFullyAt } from '@millrace/core/disk'
import type { Fs } from '@millrace/core/disk'
import { check, checkEqual, checkRejects } from './check.ts'
import { CaseList } from './conformance-case.ts'
import type { ConformanceCase, Skips } from './conformance-case.ts'

/** A file system under test, and a directory in it. */
export interface FsSubject {
  readonly fs: Fs
  /** An empty directory for this trial only. */
  readonly directory: string
  /** Called at the end of the case. */
  close?(): Promise<void>
}

/** How to create the file systems under test. */
export interface FsConformanceOptions {
  /** Called for every case. */
  create(): Promise<FsSubject>
  readonly skip?: Skips
}

/** Cases by name. */
type FsCases = Readonly<Record<string, (fs: Fs, directory: string) => Promise<void>>>

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (content: Uint8Array): string => new TextDecoder().decode(content)

/**
 * Tests the contract of `Fs`, as far as that is possible without power loss.
 *
 * @example
 * describeCases('nodeFs', fsConformance({ create: temporaryDirectory }), { describe, test })
 */
export function fsConformance(options: FsConformanceOptions): readonly ConformanceCase[] {
  const list = new CaseList(options.skip)
  for (const [name, run] of Object.entries({
    ...opening,
    ...reading,
    ...writing,
    ...naming,
    ...directories,
  })) {
    list.add(name, async () => {
      const subject = await options.create()
      try {
        await run(subject.fs, subject.directory)
      } finally {
        await subject.close?.()
      }
    })
  }
  return list.done()
}

async function write(fs: Fs, path: string, content: string): Promise<void> {
  const file = await fs.open(path, 'append')
  await writeFully(file, bytes(content), path)
  await file.close()
}

async function contentOf(fs: Fs, path: string): Promise<string> {
  return text(await readWhole(fs, path))
}

function goesOnAfterCut(mode: 'create' | 'append'): FsCases[string] {
  return async (fs, directory) => {
    const file = await fs.open(`${directory}/a`, mode)
    await writeFully(file, bytes('0123456789'), 'a')
    await file.truncate(4)
    checkEqual(await file.size(), 4, 'the size')
    await writeFully(file, bytes('xy'), 'a')
    await file.sync()
    await file.close()
    checkEqual(await contentOf(fs, `${directory}/a`), '0123xy', 'the file')
  }
}

const opening: FsCases = {
  async 'opening to read or to update needs the file to exist'(fs, directory) {
    await checkRejects(fs.open(`${directory}/a`, 'read'), 'FS_NOT_FOUND', `${directory}/a`)
    await checkRejects(fs.open(`${directory}/a`, 'update'), 'FS_NOT_FOUND', `${directory}/a`)
  },
  async 'creating needs the file not to exist, and leaves the one that does alone'(fs, directory) {
    const path = `${directory}/a`
    await write(fs, path, 'old')
    await checkRejects(fs.open(path, 'create'), 'FS_EXISTS', path)
    checkEqual(await contentOf(fs, path), 'old', 'the file')
  },
  async 'a created file is there at once and empty'(fs, directory) {
    const file = await fs.open(`${directory}/a`, 'create')
    checkEqual((await fs.stat(`${directory}/a`))?.size, 0, 'the size by name')
    checkEqual(await file.size(), 0, 'the size of the open file')
    await file.close()
  },
  async 'creating and appending need the directory to exist'(fs, directory) {
    const path = `${directory}/no/a`
    await checkRejects(fs.open(path, 'create'), 'FS_NOT_FOUND', path)
    await checkRejects(fs.open(path, 'append'), 'FS_NOT_FOUND', path)
  },
  async 'appending makes a missing file and continues an existing one at its end'(fs, directory) {
    await write(fs, `${directory}/a`, 'one')
    await write(fs, `${directory}/a`, 'two')
    checkEqual(await contentOf(fs, `${directory}/a`), 'onetwo', 'the file')
  },
  async 'a directory is not opened, in no mode'(fs, directory) {
    await checkRejects(fs.open(directory, 'read'), 'FS_IO', directory)
    await checkRejects(fs.open(directory, 'append'), 'FS_IO', directory)
    await checkRejects(fs.open(directory, 'create'), 'FS_EXISTS', directory)
  },
  async 'a closed file may be closed again and not be used'(fs, directory) {
    const file = await fs.open(`${directory}/a`, 'create')
    await file.close()
    await file.close()
    const outcome = await file.write(bytes('x')).catch(() => 'refused')
    checkEqual(outcome, 'refused', 'a write after close')
  },
}

const reading: FsCases = {
  async 'any part of a file can be read, in any order'(fs, directory) {
    await write(fs, `${directory}/a`, '0123456789')
    const file = await fs.open(`${directory}/a`, 'read')
    const into = new Uint8Array(4)
    for (const [position, expected] of [
      [6, '6789'],
      [0, '0123'],
      [3, '3456'],
    ] as const) {
      checkEqual(await file.read(into, position), 4, 'the count')
      checkEqual(text(into), expected, `the bytes at ${position}`)
      into.fill(0x2e)
      checkEqual(file.readSync(into, position), 4, 'the count of a synchronous read')
      checkEqual(text(into), expected, `what a synchronous read finds at ${position}`)
    }
    await file.close()
  },
  async 'a read ends at the end of the file: fewer bytes, then 0'(fs, directory) {
    await write(fs, `${directory}/a`, '0123456789')
    const file = await fs.open(`${directory}/a`, 'read')
    const into = new Uint8Array(4).fill(0x2e)
    checkEqual(await file.read(into, 8), 2, 'the count')
    checkEqual(text(into), '89..', 'the buffer')
    checkEqual(await file.read(into, 10), 0, 'the count at the end')
    checkEqual(await file.read(into, 99), 0, 'the count past the end')
    checkEqual(file.readSync(into, 8), 2, 'the count of a synchronous read')
    checkEqual(file.readSync(into, 99), 0, 'the count of a synchronous read past the end')
    await file.close()
  },
  async 'a view of a larger buffer is read into and written from within its bounds'(fs, directory) {
    const file = await fs.open(`${directory}/a`, 'append')
    await writeFully(file, bytes('xx0123yy').subarray(2, 6), 'a')
    const buffer = bytes('........')
    checkEqual(await file.read(buffer.subarray(2, 6), 0), 4, 'the count')
    checkEqual(text(buffer), '..0123..', 'the buffer')
    await file.close()
  },
  async 'a file that is being written can be read by others'(fs, directory) {
    const writer = await fs.open(`${directory}/a`, 'create')
    const reader = await fs.open(`${directory}/a`, 'read')
    await writeFully(writer, bytes('one'), 'a')
    checkEqual(await contentOf(fs, `${directory}/a`), 'one', 'the file')
    await writeFully(writer, bytes('two'), 'a')
    checkEqual(await reader.size(), 6, 'the size a reader sees')
    const into = new Uint8Array(6)
    checkEqual(await reader.read(into, 3), 3, 'the count')
    await writer.close()
    await reader.close()
  },
}

const writing: FsCases = {
  async 'a file opened to read takes no bytes'(fs, directory) {
    const path = `${directory}/a`
    await write(fs, path, 'x')
    const file = await fs.open(path, 'read')
    await checkRejects(file.write(bytes('y')), 'FS_DENIED', path)
    await file.close()
    checkEqual(await contentOf(fs, path), 'x', 'the file')
  },
  async 'a write reports what it took, and no more'(fs, directory) {
    const file = await fs.open(`${directory}/a`, 'create')
    checkEqual(await file.write(new Uint8Array(0)), 0, 'the count for no bytes')
    const count = await file.write(bytes('0123456789'))
    check(count >= 1 && count <= 10, `a write of 10 bytes took ${count}`)
    checkEqual(await file.size(), count, 'the size')
    await file.close()
  },
  async 'a large file survives many writes'(fs, directory) {
    const chunk = Uint8Array.from({ length: 100_003 }, (_, i) => i % 251)
    const file = await fs.open(`${directory}/a`, 'create')
    for (let i = 0; i < 12; i++) await writeFully(file, chunk, 'a')
    await file.sync()
    await file.close()
    const whole = await readWhole(fs, `${directory}/a`)
    checkEqual(whole.length, 12 * chunk.length, 'the size')
    for (let i = 0; i < 12; i++) {
      checkEqual(whole.subarray(i * chunk.length, (i + 1) * chunk.length), chunk, `chunk ${i}`)
    }
  },
  async 'a write by position changes what is there, lengthens the file, and is the same when repeated'(
    fs,
    directory,
  ) {
    const path = `${directory}/a`
    await write(fs, path, '0123456789')
    const file = await fs.open(path, 'update')
    for (let time = 0; time < 2; time++) {
      await writeFullyAt(file, bytes('xy'), 3, path)
      await writeFullyAt(file, bytes('end'), 9, path)
    }
    checkEqual(await file.size(), 12, 'the size')
    await file.sync()
    await file.close()
    checkEqual(await contentOf(fs, path), '012xy5678end', 'the file')
  },
  async 'a file is written in the way it was opened for'(fs, directory) {
    const path = `${directory}/a`
    await write(fs, path, 'x')
    const updated = await fs.open(path, 'update')
    await checkRejects(updated.write(bytes('y')), 'FS_DENIED', path)
    await updated.close()
    const appended = await fs.open(path, 'append')
    await checkRejects(appended.writeAt(bytes('y'), 0), 'FS_DENIED', path)
    await appended.close()
    checkEqual(await contentOf(fs, path), 'x', 'the file')
  },
  'a file opened to create that was cut continues at its end': goesOnAfterCut('create'),
  'a file opened to append that was cut continues at its end': goesOnAfterCut('append'),
  async 'a sync leaves the content as it is'(fs, directory) {
    const file = await fs.open(`${directory}/a`, 'create')
    await file.sync()
    await writeFully(file, bytes('x'), 'a')
    await file.sync()
    await file.sync()
    await file.close()
    checkEqual(await contentOf(fs, `${directory}/a`), 'x', 'the file')
  },
  async 'files do not disturb one another'(fs, directory) {
    const names = ['a', 'b', 'c', 'd', 'e', 'f']
    await Promise.all(names.map((name) => write(fs, `${directory}/${name}`, name.repeat(5_000))))
    for (const name of names) {
      checkEqual(await contentOf(fs, `${directory}/${name}`), name.repeat(5_000), name)
    }
  },
}

const naming: FsCases = {
  async 'a rename gives the file another name and replaces the file of that name'(fs, directory) {
    await write(fs, `${directory}/a`, 'new')
    await write(fs, `${directory}/b`, 'old')
    await fs.rename(`${directory}/a`, `${directory}/b`)
    checkEqual(await contentOf(fs, `${directory}/b`), 'new', 'the file')
    checkEqual(await fs.stat(`${directory}/a`), undefined, 'the old name')
  },
  async 'a rename moves between directories, and needs both ends'(fs, directory) {
    const [from, to] = [`${directory}/a`, `${directory}/sub/b`]
    await checkRejects(fs.rename(from, `${directory}/b`), 'FS_NOT_FOUND', from)
    await write(fs, from, 'x')
    await checkRejects(fs.rename(from, to), 'FS_NOT_FOUND', directory)
    checkEqual(await contentOf(fs, from), 'x', 'the file after a rename that failed')
    await fs.makeDirectory(`${directory}/sub`)
    await fs.rename(from, to)
    checkEqual(await contentOf(fs, to), 'x', 'the file')
  },
  async 'a file renamed to its own name stays'(fs, directory) {
    await write(fs, `${directory}/a`, 'x')
    await fs.rename(`${directory}/a`, `${directory}/a`)
    checkEqual(await contentOf(fs, `${directory}/a`), 'x', 'the file')
  },
  async 'an identity stays over a rename and over writes, and belongs to one file'(fs, directory) {
    await write(fs, `${directory}/a`, 'x')
    await write(fs, `${directory}/b`, 'x')
    const a = await fs.stat(`${directory}/a`)
    const b = await fs.stat(`${directory}/b`)
    check(a?.identity !== b?.identity, `two files have the identity ${a?.identity}`)
    await fs.rename(`${directory}/a`, `${directory}/b`)
    await write(fs, `${directory}/b`, 'y')
    checkEqual((await fs.stat(`${directory}/b`))?.identity, a?.identity, 'the identity')
  },
  async 'an open file outlives its name'(fs, directory) {
    await write(fs, `${directory}/a`, 'first')
    const file = await fs.open(`${directory}/a`, 'read')
    await fs.remove(`${directory}/a`)
    await write(fs, `${directory}/a`, 'other')
    const into = new Uint8Array(5)
    await file.read(into, 0)
    checkEqual(text(into), 'first', 'the open file')
    await file.close()
  },
  async 'removing takes the name away, and needs it'(fs, directory) {
    await write(fs, `${directory}/a`, 'x')
    await fs.remove(`${directory}/a`)
    checkEqual(await fs.stat(`${directory}/a`), undefined, 'the file')
    await checkRejects(fs.remove(`${directory}/a`), 'FS_NOT_FOUND', `${directory}/a`)
  },
  async 'any name will do: dots, spaces, quotes, other scripts, names that objects have'(fs, directory) {
    const names = ['.hidden', 'a b', "it's", '__proto__', 'constructor', 'größe', '水車', '%2e%2e']
    for (const name of names) await write(fs, `${directory}/${name}`, name)
    for (const name of names) checkEqual(await contentOf(fs, `${directory}/${name}`), name, name)
    const listed = (await fs.list(directory)).map((entry) => entry.name)
    checkEqual(listed, names.toSorted(), 'the list')
  },
  async 'a published file is whole, also an empty one and one that replaces another'(fs, directory) {
    for (const content of ['', 'one', 'x'.repeat(200_000)]) {
      await publishFile(fs, directory, 'a', bytes(content))
      checkEqual(await contentOf(fs, `${directory}/a`), content, 'the file')
    }
    checkEqual((await fs.list(directory)).length, 1, 'the number of files')
  },
}

const directories: FsCases = {
  async 'a directory is made with its parents, and may exist'(fs, directory) {
    await fs.makeDirectory(`${directory}/a/b/c`)
    await fs.makeDirectory(`${directory}/a/b/c`)
    await fs.makeDirectory(`${directory}/a`)
    checkEqual((await fs.stat(`${directory}/a/b/c`))?.kind, 'directory', 'its kind')
  },
  async 'a directory is not created where a file exists'(fs, directory) {
    await write(fs, `${directory}/a`, 'x')
    await checkRejects(fs.makeDirectory(`${directory}/a`), 'FS_EXISTS', `${directory}/a`)
    await checkRejects(fs.makeDirectory(`${directory}/a/b`), 'FS_NOT_FOUND', `${directory}/a/b`)
  },
  async 'a list names every entry with its kind, sorted by code unit'(fs, directory) {
    for (const name of ['b', 'a', 'B', '10', '9']) await write(fs, `${directory}/${name}`, '')
    await fs.makeDirectory(`${directory}/ab`)
    checkEqual(
      await fs.list(directory),
      ['10', '9', 'B', 'a', 'ab', 'b'].map((name) => ({ name, kind: name === 'ab' ? 'directory' : 'file' })),
      'the list',
    )
    checkEqual(await fs.list(`${directory}/ab`), [], 'the list of an empty directory')
  },
  async 'only a directory can be listed and synced'(fs, directory) {
    await write(fs, `${directory}/a`, 'x')
    for (const path of [`${directory}/no`, `${directory}/a`]) {
      await checkRejects(fs.list(path), 'FS_NOT_FOUND', path)
      await checkRejects(fs.syncDirectory(path), 'FS_NOT_FOUND', path)
    }
    await fs.syncDirectory(directory)
  },
  async 'facts about a file are those of the moment'(fs, directory) {
    await write(fs, `${directory}/a`, 'one')
    const first = await fs.stat(`${directory}/a`)
    await write(fs, `${directory}/a`, 'two')
    const second = await fs.stat(`${directory}/a`)
    checkEqual([first?.kind, first?.size, second?.size], ['file', 3, 6], 'kind and sizes')
    check(Number.isFinite(first?.modifiedMs), `modifiedMs is ${first?.modifiedMs}`)
    check(second!.modifiedMs >= first!.modifiedMs, 'modifiedMs went back')
  },
  async 'there are no facts about what does not exist'(fs, directory) {
    await write(fs, `${directory}/a`, 'x')
    checkEqual(await fs.stat(`${directory}/b`), undefined, 'facts about a missing file')
    checkEqual(await fs.stat(`${directory}/no/b`), undefined, 'facts about a file in a missing directory')
    checkEqual(await fs.stat(`${directory}/a/b`), undefined, 'facts about a file in a file')
  },
  async 'an empty directory is removed, and no other'(fs, directory) {
    const path = `${directory}/d`
    await checkRejects(fs.removeDirectory(path), 'FS_NOT_FOUND', path)
    await fs.makeDirectory(path)
    await write(fs, `${path}/a`, 'x')
    await checkRejects(fs.removeDirectory(path), 'FS_EXISTS', path)
    checkEqual(await contentOf(fs, `${path}/a`), 'x', 'a file in the directory')
    await checkRejects(fs.removeDirectory(`${path}/a`), 'FS_NOT_FOUND', `${path}/a`)
    await fs.remove(`${path}/a`)
    await fs.removeDirectory(path)
    checkEqual(await fs.stat(path), undefined, 'the directory')
  },
  async 'a directory is neither removed as a file nor renamed over'(fs, directory) {
    await fs.makeDirectory(`${directory}/d`)
    await write(fs, `${directory}/d/a`, 'x')
    await write(fs, `${directory}/b`, 'x')
    await fs.remove(`${directory}/d`).catch(() => {})
    await fs.rename(`${directory}/b`, `${directory}/d`).catch(() => {})
    checkEqual(await contentOf(fs, `${directory}/d/a`), 'x', 'a file in the directory')
    checkEqual(await contentOf(fs, `${directory}/b`), 'x', 'the file that was to replace it')
  },
}
