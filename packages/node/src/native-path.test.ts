import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { platform } from 'node:process'
import { readWhole } from '@millrace/core/disk'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nativePath, textOfName } from './native-path.ts'
import { nodeFs } from './node-fs.ts'

test.each([
  ['plain.log', Buffer.from('plain.log')],
  ['grün 😀', Buffer.from('grün 😀')],
  ['a\uDCFFb', Buffer.of(0x61, 0xff, 0x62)],
  ['\uDCC3x', Buffer.of(0xc3, 0x78)],
  ['ü\uDCE2\uDC82', Buffer.of(0xc3, 0xbc, 0xe2, 0x82)],
])('the name %j', (text, name) => {
  expect(textOfName(name)).toBe(text)
  expect(Buffer.from(nativePath(text))).toEqual(name)
})

test('distinct names have distinct texts, which convert back to the names', () => {
  const byte = fc.oneof(
    fc.integer({ min: 1, max: 255 }),
    fc.constantFrom(0xc3, 0xbc, 0xed, 0xa0, 0xf0, 0x9f, 0x98),
  )
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 12 }), (bytes) => {
      const name = Buffer.from(bytes)
      expect(Buffer.from(nativePath(textOfName(name)))).toEqual(name)
    }),
    { numRuns: 1_000 },
  )
})

// Other systems have no such names.
test.runIf(platform === 'linux')(
  'a file whose name is not UTF-8 is listed, read, renamed and removed',
  async () => {
    const directory = await mkdtemp(`${tmpdir()}/millrace-node-`)
    await writeFile(Buffer.concat([Buffer.from(`${directory}/a`), Buffer.of(0xe9)]), 'latin1')
    const [entry] = await nodeFs.list(directory)
    expect(entry).toEqual({ name: 'a\uDCE9', kind: 'file' })
    const path = `${directory}/${entry!.name}`
    expect((await nodeFs.stat(path))?.size).toBe(6)
    expect(Buffer.from(await readWhole(nodeFs, path)).toString()).toBe('latin1')
    await nodeFs.rename(path, `${directory}/b\uDCFF`)
    expect(await readFile(Buffer.concat([Buffer.from(`${directory}/b`), Buffer.of(0xff)]), 'utf8')).toBe(
      'latin1',
    )
    await nodeFs.remove(`${directory}/b\uDCFF`)
    expect(await nodeFs.list(directory)).toEqual([])
    await rm(directory, { recursive: true })
  },
)
