import { SimFs } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { FileWorld, readAll, SourceRun } from '../test/file-world.ts'
import { readCsv, type CsvRow, type ReadCsvOptions } from './read-csv.ts'

async function read<T = CsvRow>(
  content: string | Uint8Array,
  options: ReadCsvOptions<T> = {},
): Promise<SourceRun<T>> {
  const fs = new SimFs()
  fs.put('in.csv', content)
  return readAll(readCsv<T>('in.csv', options), fs)
}

const messagesOf = (run: SourceRun<unknown>): string[] =>
  run.failures.map(({ error, place }) => `${place}: ${(error as Error).message}`)

describe('CSV', () => {
  test.each([
    ['a,b\n1,2\n', [{ a: '1', b: '2' }]],
    [
      'a,b\r\n1,2\r\n\r\n3,4',
      [
        { a: '1', b: '2' },
        { a: '3', b: '4' },
      ],
    ],
    ['a,b\n,\n', [{ a: '', b: '' }]],
    ['a,b\n"1,5","say ""hi"""\n', [{ a: '1,5', b: 'say "hi"' }]],
    ['a,b\n"one\ntwo\r\nthree",2\n', [{ a: 'one\ntwo\r\nthree', b: '2' }]],
    ['a\n""\n""""\n"\n"\n', [{ a: '' }, { a: '"' }, { a: '\n' }]],
    ['"a b","c\nd"\n1,2\n', [{ 'a b': '1', 'c\nd': '2' }]],
    ['\uFEFFa,b\n ü , x\n', [{ a: ' ü ', b: ' x' }]],
    ['a,b\n', []],
    ['', []],
  ])('%j', async (content, rows) => {
    for (const chunkBytes of [1, 2, 3, 1_000]) {
      const run = await read(content, { chunkBytes })
      expect([run.values, run.failures]).toEqual([rows, []])
    }
  })

  test('columns names the fields if there is no header, and the separator can be changed', async () => {
    const { values } = await read('1;2,5\n3;"4;4"\n', { columns: ['a', 'b'], separator: ';' })
    expect(values).toEqual([
      { a: '1', b: '2,5' },
      { a: '3', b: '4;4' },
    ])
  })

  test('parse converts the row, and an error it throws is a failure', async () => {
    const parse = ({ n }: CsvRow): number => {
      if (!/^\d+$/.test(n ?? '')) throw new Error(`${n} is not a number`)
      return Number(n)
    }
    const run = await read('n\n1\nx\n3\n', { parse })
    expect(run.values).toEqual([1, 3])
    expect(messagesOf(run)).toEqual(['in.csv line 3, byte 4: x is not a number'])
  })

  test('a column called __proto__ is a column', async () => {
    const [row] = (await read('__proto__,constructor\n1,2\n')).values
    expect(Object.entries(row!)).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
    ])
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype)
  })

  test('places count the lines inside quotes', async () => {
    const { taken } = await read('a\n"x\ny\nz"\nb\n', { chunkBytes: 3 })
    expect(taken.map(({ place }) => place)).toEqual(['in.csv line 2, byte 2', 'in.csv line 5, byte 10'])
  })
})

describe('CSV dialects', () => {
  const cutIn = [1, 2, 3, 1_000]

  test.each<[string, ReadCsvOptions<CsvRow>, readonly CsvRow[]]>([
    ['# made by hand\na,b\n#1,"2\n1,2\n#', { comment: '#' }, [{ a: '1', b: '2' }]],
    ['a,b\n1,"\n#2"\n', { comment: '#' }, [{ a: '1', b: '\n#2' }]],
    ['a,b\n#1,2\n', {}, [{ a: '#1', b: '2' }]],
    [`a;b\n'1;''5''';"2"\n`, { quote: "'", separator: ';' }, [{ a: "1;'5'", b: '"2"' }]],
    ['a\tb\n"1\t2"\n', { quote: '', separator: '\t' }, [{ a: '"1', b: '2"' }]],
    [
      'a,b\n"say \\"hi\\"","c:\\\\"\n"x\\\ny",\\\n',
      { escape: '\\' },
      [
        { a: 'say "hi"', b: 'c:\\' },
        { a: 'x\ny', b: '\\' },
      ],
    ],
    [
      'a,b\n1\n1,2,3\n\n1,2\n',
      { raggedRows: 'fit' },
      [
        { a: '1', b: '' },
        { a: '1', b: '2' },
        { a: '1', b: '2' },
      ],
    ],
    [
      'a,a,,b,a,a_2,\n1,2,3,4,5,6,7\n',
      { duplicateColumns: 'number' },
      [{ a: '1', a_3: '2', '': '3', b: '4', a_4: '5', a_2: '6', _2: '7' }],
    ],
    [
      '1,2\r3,4\r',
      { columns: ['a', 'a'], duplicateColumns: 'number' },
      [
        { a: '1', a_2: '2' },
        { a: '3', a_2: '4' },
      ],
    ],
    [
      'a,b\r1,"x\ry"\r\n2,z',
      {},
      [
        { a: '1', b: 'x\ry' },
        { a: '2', b: 'z' },
      ],
    ],
  ])('%j with %j', async (content, options, rows) => {
    for (const chunkBytes of cutIn) {
      const run = await read(content, { ...options, chunkBytes })
      expect([run.values, run.failures]).toEqual([rows, []])
    }
  })

  test('parse receives every field of a ragged row', async () => {
    const parse = (_row: CsvRow, fields: readonly string[]) => fields.length
    expect((await read('a,b\n1\n1,2,3\n', { raggedRows: 'fit', parse })).values).toEqual([1, 3])
  })

  test('places count all kinds of line ends, also inside quotes and after an escape', async () => {
    const { taken } = await read('a\r#\r"x\r\ny\\\nz\r"\rb\n', { comment: '#', escape: '\\', chunkBytes: 3 })
    expect(taken.map(({ place }) => place)).toEqual(['in.csv line 3, byte 4', 'in.csv line 7, byte 15'])
  })
})

describe('invalid rows', () => {
  test.each([
    ['a,b\n1\n1,2\n', 'the row has 1 fields where there are 2 columns'],
    ['a,b\n1,2,3\n1,2\n', 'the row has 3 fields where there are 2 columns'],
    ['a,b\n1,x"y"\n1,2\n', 'a quote is inside an unquoted field'],
    ['a,b\n"1"x,2\n1,2\n', 'text follows a closing quote of field 1'],
  ])('%j is a failure, and the next rows are read', async (content, reason) => {
    const run = await read(content)
    expect(run.values).toEqual([{ a: '1', b: '2' }])
    expect(messagesOf(run)).toEqual([expect.stringMatching(`^in.csv line 2, byte 4: ${reason}`)])
  })

  test('an unclosed quote is one failure at the end', async () => {
    const run = await read('a,b\n1,2\n"3,4\n5,6\n')
    expect(run.values).toEqual([{ a: '1', b: '2' }])
    expect(messagesOf(run)).toEqual([
      expect.stringContaining('line 3, byte 8: a quote is opened and never closed'),
    ])
  })

  test('an unclosed quote consumes at most the record limit', async () => {
    const run = await read(`a,b\n"${'x'.repeat(90)}\n${'1,2\n'.repeat(10)}3,4\n`, {
      recordBytesMax: 100,
      chunkBytes: 16,
    })
    expect(messagesOf(run)).toEqual([
      expect.stringContaining('line 2, byte 4: the record has more than 100 bytes'),
    ])
    expect(run.values.at(-1)).toEqual({ a: '3', b: '4' })
    expect(run.values.length).toBeGreaterThan(1)
  })

  test.each([
    'a,a\n1,2\n3,4\n5,6\n',
    'a,"b"x\n1,2\n3,4\n5,6\n',
    Uint8Array.from([0xff, 0x0a, 0x31, 0x0a, 0x32, 0x0a, 0x33, 0x0a]),
  ])('without a usable header no row is read, also after a restart: %j', async (content) => {
    const fs = new SimFs()
    fs.put('in.csv', content)
    const first = new SourceRun(readCsv('in.csv', { chunkBytes: 1 }), new FileWorld(fs, true).context)
    const [split] = await first.discover()
    while (first.failures.length < 2) {
      first.poll(1)
      await Promise.resolve()
    }
    const mark = first.marks().get(split!)!
    await first.close()
    const second = new SourceRun(readCsv('in.csv'), new FileWorld(fs, true).context)
    await second.restore(new Map([[split!, mark]]))
    await second.readToEnd()
    expect([...first.values, ...second.values]).toEqual([])
    expect(messagesOf(first)[1]).toContain('the header is unusable')
    expect(messagesOf(second)).toEqual(
      second.failures.map(() => expect.stringContaining('the header is unusable')),
    )
    expect(second.failures).toHaveLength(2)
  })

  test.each([
    [{ columns: ['a', 'a'] }],
    [{ separator: '' }],
    [{ separator: '"' }],
    [{ separator: '\n' }],
    [{ separator: 'ab' }],
    [{ separator: 'ü' }],
    [{ separator: "'", quote: "'" }],
    [{ quote: 'ab' }],
    [{ escape: '' }],
    [{ escape: ',' }],
    [{ comment: '' }],
    [{ comment: '"' }],
    [{ raggedRows: 'skip' as never }],
    [{ duplicateColumns: 'last' as never }],
  ])('%j is rejected when the pipeline is built', (options) => {
    expect(() => readCsv('in.csv', options)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  })
})
