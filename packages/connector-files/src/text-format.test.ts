import { SimFs } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { appendTo, FileWorld, readAll, SourceRun } from '../test/file-world.ts'
import { readNdjson } from './ndjson.ts'
import { readLines } from './lines.ts'
import { readCsv } from './read-csv.ts'
import type { Encoding } from './text-format.ts'

function diskWith(content: Uint8Array): SimFs {
  const fs = new SimFs()
  fs.put('in', content)
  return fs
}

const utf16 = (text: string, encoding: Encoding = 'utf16le'): Buffer =>
  encoding === 'utf16be' ? Buffer.from(text, 'utf16le').swap16() : Buffer.from(text, 'utf16le')

test('windows-1252: every byte is decoded as browsers decode it', async () => {
  const high = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ'
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).filter(
    (byte) => byte !== 10 && byte !== 13,
  )
  const { values } = await readAll(readLines('in', { encoding: 'windows-1252' }), diskWith(bytes))
  const latin1 = Buffer.from(bytes).toString('latin1')
  expect(values).toEqual([latin1.replace(/[\x80-\x9f]+/, high)])
})

describe.each(['utf16le', 'utf16be'] as const)('%s', (encoding) => {
  test('CSV and JSON are read', async () => {
    const csv = diskWith(utf16('\uFEFFname,n\r\n"Zoë; ""x""\r\ny",1\r\n😀,2', encoding))
    for (const chunkBytes of [1, 2, 3, 5, 1_000]) {
      expect((await readAll(readCsv('in', { encoding, chunkBytes }), csv)).values).toEqual([
        { name: 'Zoë; "x"\r\ny', n: '1' },
        { name: '😀', n: '2' },
      ])
    }
    const json = diskWith(utf16('{"a":"ü"}\n[1]\n', encoding))
    expect((await readAll(readNdjson('in', { encoding, chunkBytes: 3 }), json)).values).toEqual([
      { a: 'ü' },
      [1],
    ])
  })

  test('an unpaired surrogate is a failure of its record, which keeps its bytes', async () => {
    for (const half of ['\uD83D', '\uDE00', '\uDE00\uD83D']) {
      const fs = diskWith(utf16(`a\nb${half}c\nd${half}`, encoding))
      for (const chunkBytes of [1, 2, 3, 4, 1_000]) {
        const run = await readAll(readLines('in', { encoding, chunkBytes }), fs)
        expect(run.values).toEqual(['a'])
        expect(run.failures.map(({ raw }) => Buffer.from(raw))).toEqual([
          utf16(`b${half}c`, encoding),
          utf16(`d${half}`, encoding),
        ])
        expect(run.taken.map(({ place }) => place)).toEqual([
          'in line 1, byte 0',
          'in line 2, byte 4',
          `in line 3, byte ${10 + 2 * half.length}`,
        ])
        expect(run.failures[0]!.error).toMatchObject({
          code: 'DECODE_FAILED',
          message: expect.stringContaining('the bytes are not UTF-16: half of a surrogate pair'),
        })
      }
    }
  })

  test('an odd byte at the end is a failure of the last record', async () => {
    const content = Buffer.concat([utf16('a\nb', encoding), Buffer.of(0x63)])
    const run = await readAll(readLines('in', { encoding, chunkBytes: 4 }), diskWith(content))
    expect(run.values).toEqual(['a'])
    expect(run.failures.map(({ raw }) => Buffer.from(raw))).toEqual([content.subarray(4)])
    expect([...run.marks().values()]).toMatchObject([{ position: { offset: 7 } }])
  })

  test('a character that arrives byte by byte is read once it is complete', async () => {
    const fs = diskWith(new Uint8Array(0))
    const world = new FileWorld(fs, false)
    const run = new SourceRun(readLines('in', { encoding, follow: true }), world.context)
    await run.discover()
    const lines: number[] = []
    for (const byte of utf16('\uFEFFa😀\r\nb\n', encoding)) {
      await appendTo(fs, 'in', Uint8Array.of(byte))
      await world.pass(200)
      run.poll()
      lines.push(run.values.length)
    }
    expect(run.values).toEqual(['a😀', 'b'])
    expect(lines.indexOf(1)).toBe(9)
    await run.close()
  })

  test('a byte order mark of the other byte order stops the job and names the encoding', async () => {
    const other = encoding === 'utf16le' ? 'utf16be' : 'utf16le'
    const run = new SourceRun(
      readLines('in', { encoding }),
      new FileWorld(diskWith(utf16('\uFEFFa\n', other)), true).context,
    )
    await run.discover()
    await expect(run.readToEnd()).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      message: `in begins with the byte order mark of ${other}; read it with encoding: '${other}'`,
    })
    await run.close()
  })
})

test.each(['utf16le', 'utf16be'] as const)(
  'a file in %s that is read as UTF-8 names the right encoding',
  async (encoding) => {
    const { failures } = await readAll(readLines('in'), diskWith(utf16('\uFEFFab\nc\n', encoding)))
    expect((failures[0]!.error as Error).message).toContain(`read it with encoding: '${encoding}'`)
    expect((failures[1]?.error as Error | undefined)?.message ?? '').not.toContain('utf16')
  },
)
