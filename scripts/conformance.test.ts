import { describe, expect, test } from 'vitest'
import { chapters, coverage, labels, recordedTable, statementsIn, table } from './conformance.ts'
import { readWorkspace } from './source-file.ts'

describe('the names of tests', () => {
  test.each([
    ['EN-031 touching sessions merge', [31]],
    ['EN-031 EN-033, EN-040 several', [31, 33, 40]],
    ['EN-002..005 a range', [2, 3, 4, 5]],
    ['EN-002..EN-004 EN-009 a range and one more', [2, 3, 4, 9]],
    ['EN-031', [31]],
    ['EN-31 is no number', []],
    ['see EN-031', []],
  ])('%s', (name, statements) => {
    expect(statementsIn(name)).toEqual(statements)
  })

  test('tests, tables and templates count; skipped tests, comments and sources do not', () => {
    const text = [
      "test('EN-001 a', () => {})",
      "test.each([['EN-002 b', 1]])('%s', () => {})",
      'test(`EN-003 ${c}`, () => {})',
      "describe('EN-004 d', () => {})",
      "test.skip('EN-005 e', () => {})",
      "describe.skip('f', () => { test('EN-006 f', () => {}) })",
      "test.todo('EN-007 g')",
      '// EN-008 h',
    ].join('\n')
    const files = [
      { path: 'packages/core/src/a.test.ts', text },
      { path: 'packages/core/src/b.ts', text: "f('EN-009 i')" },
    ]
    expect([...coverage(files).keys()]).toEqual([1, 2, 3, 4])
    expect(coverage(files).get(1)).toEqual(['packages/core/src/a.test.ts'])
  })
})

describe('the report', () => {
  test('the chapters follow one another without a gap', () => {
    const ends = chapters.map(([, , last]) => last)
    expect(chapters.map(([, first]) => first)).toEqual([1, ...ends.slice(0, -1).map((last) => last + 1)])
    expect(ends.at(-1)).toBe(252)
  })

  test('neighbours are written as a range', () => {
    expect(labels([1, 3, 4, 5, 9])).toBe('EN-001 EN-003..005 EN-009')
  })

  test('a chapter says what it lacks', () => {
    const shown = new Map([29, 30, 31].map((number) => [number, []]))
    expect(table(shown)).toContain('| session windows | EN-029..045 | 3 of 17 | EN-032..045 |')
    expect(table(shown)).toContain('| all | EN-001..252 | 3 of 252 | |')
  })
})

describe('the workspace', () => {
  const files = readWorkspace()
  const shown = coverage(files)

  test('no test names a statement that does not exist', () => {
    const unknown = [...shown].filter(([number]) => number < 1 || number > 252)
    expect(unknown).toEqual([])
  })

  test('HACKING.md lists nothing as covered that no test shows', () => {
    const recorded = recordedTable(files.find(({ path }) => path === 'HACKING.md')?.text ?? '')
    const missing = (report: string): number[] =>
      report.split('\n').flatMap((row) => statementsIn(row.split('|')[4]?.trim() ?? ''))
    expect(recorded).toContain('| all | EN-001..252 |')
    const admitted = new Set(missing(recorded))
    expect(missing(table(shown)).filter((number) => !admitted.has(number))).toEqual([])
  })
})
