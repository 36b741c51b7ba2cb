import { describe, expect, test } from 'vitest'
import {
  coverage,
  engine,
  exceptionsIn,
  go,
  labels,
  ledgerFile,
  recordedTable,
  statementCount,
  statementsIn,
  table,
} from './conformance.ts'
import { readWorkspace } from './source-file.ts'

describe('statementsIn: the statements in the name of a test', () => {
  test.each([
    ['EN-031 touching sessions merge', [31]],
    ['EN-031 EN-033, EN-040 several', [31, 33, 40]],
    ['EN-002..005 a range', [2, 3, 4, 5]],
    ['EN-002..EN-004 EN-009 a range and one more', [2, 3, 4, 9]],
    ['EN-031', [31]],
    ['EN-31 is no number', []],
    ['see EN-031', []],
    ['GO-031 EN-032 of both lists', [32]],
  ])('%s', (name, statements) => {
    expect(statementsIn(engine, name)).toEqual(statements)
  })

  test('shownStatements: counts tests, tables and templates; ignores skipped tests, comments and sources', () => {
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
    expect([...coverage(engine, files).keys()]).toEqual([1, 2, 3, 4])
    expect(coverage(engine, files).get(1)).toEqual(['packages/core/src/a.test.ts'])
  })
})

describe('table: coverage per chapter', () => {
  test.each([
    [engine, 252],
    [go, 172],
  ])('the chapters of $prefix are contiguous', ({ chapters }, count) => {
    const ends = chapters.map(([, , last]) => last)
    expect(chapters.map(([, first]) => first)).toEqual([1, ...ends.slice(0, -1).map((last) => last + 1)])
    expect(ends.at(-1)).toBe(count)
  })

  test('consecutive numbers are written as a range', () => {
    expect(labels(engine, [1, 3, 4, 5, 9])).toBe('EN-001 EN-003..005 EN-009')
  })

  test('a chapter lists its missing statements', () => {
    const shown = new Map([29, 30, 31].map((number) => [number, []]))
    expect(table(engine, shown)).toContain('| session windows | EN-029..045 | 3 of 17 | EN-032..045 |')
    expect(table(engine, shown)).toContain('| all | EN-001..252 | 3 of 252 | |')
  })

  test('a statement that cannot hold is counted separately unless a test covers it', () => {
    const document = {
      path: 'packages/channels/CONFORMANCE.md',
      text: '| statement | why |\n|---|---|\n| GO-062..064 | no |\n| GO-067 | not at all |\n',
    }
    const exceptions = exceptionsIn(go, [document])
    expect(exceptions).toEqual([62, 63, 64, 67])
    const report = table(go, new Map([62, 65].map((number) => [number, []])), exceptions)
    expect(report).toContain(
      '| programs as tests | GO-062..068 | 2 of 7 | GO-063..064 GO-067 | GO-066 GO-068 |',
    )
    expect(report).toContain('| all | GO-001..172 | 2 of 172 | 3 | |')
  })
})

test('docs/conformance.md says of every statement about the engine without a test why it has none', () => {
  const files = readWorkspace()
  const shown = coverage(engine, files)
  const reasons = new Set(exceptionsIn({ ...engine, exceptions: ledgerFile }, files))
  const missing = Array.from({ length: statementCount(engine) }, (_, index) => index + 1)
    .filter((number) => !shown.has(number))
    .filter((number) => !reasons.has(number))
  expect(labels(engine, missing)).toBe('')
})

describe.each([engine, go])('the workspace: $prefix', (checklist) => {
  const files = readWorkspace()
  const shown = coverage(checklist, files)
  const exceptions = exceptionsIn(checklist, files)

  test('every statement named by a test or an exception exists', () => {
    const unknown = [...shown.keys(), ...exceptions].filter(
      (number) => number < 1 || number > statementCount(checklist),
    )
    expect(unknown).toEqual([])
  })

  test('the exceptions are sorted and have no duplicates', () => {
    expect(exceptions).toEqual([...new Set(exceptions)].toSorted((a, b) => a - b))
  })

  test('docs/conformance.md lists a statement as covered only if a test covers it', () => {
    const recorded = recordedTable(checklist, files.find(({ path }) => path === ledgerFile)?.text ?? '')
    const missing = (report: string): number[] =>
      report.split('\n').flatMap((row) => statementsIn(checklist, row.split('|').at(-2)?.trim() ?? ''))
    expect(recorded).toContain(`| all | ${checklist.prefix}-001..${statementCount(checklist)} |`)
    const admitted = new Set(missing(recorded))
    const unshown = missing(table(checklist, shown, exceptions))
    expect(unshown.filter((number) => !admitted.has(number))).toEqual([])
  })
})
