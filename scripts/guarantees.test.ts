import { describe, expect, test } from 'vitest'
import {
  connectorsOn,
  guaranteesFile,
  kitCalls,
  kits,
  testedConnectors,
  withTables,
  type Report,
} from './guarantees.ts'
import { readWorkspace } from './source-file.ts'

/** A report in which every case of a sink's kit passed, except those that are named here. */
function report(outcomes: Readonly<Record<string, { reason?: string; status?: string }>> = {}): Report {
  const assertionResults = [...kits.sink].map((name) => {
    const { reason, status = reason === undefined ? 'passed' : 'skipped' } = outcomes[name] ?? {}
    const title = reason === undefined ? name : `${name} (skipped: ${reason})`
    return { ancestorTitles: ['on a real server', 'a sink of rows'], title, status }
  })
  return {
    testResults: [{ name: '/w/packages/connector-rows/test/rows.service.test.ts', assertionResults }],
  }
}

const page = '<!-- guarantees of sinks -->\n\nold\n\n<!-- /guarantees of sinks -->\n'

describe('testedConnectors: what reports of the kits say', () => {
  test('a sink whose cases all passed is exactly-once', () => {
    expect(testedConnectors([report()])).toEqual([
      {
        kind: 'sink',
        package: 'connector-rows',
        subject: 'a sink of rows',
        claim: 'exactly-once',
        isRealServer: true,
        passed: kits.sink.size,
        onlyInFull: 0,
        inapplicable: 0,
      },
    ])
  })

  test('a reason names a weaker claim, and cases of long runs are counted apart', () => {
    const [connector] = testedConnectors([
      report({
        'nothing is visible before commit': { reason: 'this sink promises at-least-once' },
        'close releases files and timers': { reason: 'it takes minutes: npm run test:full' },
      }),
    ])
    expect(connector).toMatchObject({ claim: 'at-least-once', onlyInFull: 1, inapplicable: 1 })
  })

  test.each(['failed', 'skipped'])('a case that is %s without a reason is an error', (status) => {
    const one = report({ 'subtasks write side by side': { status } })
    expect(() => testedConnectors([one])).toThrow(`"subtasks write side by side" is ${status}`)
  })

  test('a page says what was written into it', () => {
    const tested = testedConnectors([report()])
    expect(connectorsOn(withTables(page, tested, []))).toEqual(tested)
  })
})

describe('the page of guarantees', () => {
  const files = readWorkspace()
  const page = files.find(({ path }) => path === guaranteesFile)!.text
  const rows = connectorsOn(page)
  const calls = kitCalls(files)
  const place = ({ package: owner, subject }: { package: string; subject: string }): string =>
    `${owner}: ${subject}`

  test('has a row for every call of a kit by a connector', () => {
    expect(calls.length).toBeGreaterThan(20)
    const missing = calls.filter(
      (call) =>
        !rows.some(
          (row) => row.kind === call.kind && row.package === call.package && call.names.test(row.subject),
        ),
    )
    expect(missing.map(({ file, names }) => `${file} ${names.source}`)).toEqual([])
  })

  test('has no row without a call', () => {
    const orphans = rows.filter(
      (row) =>
        !calls.some(
          (call) => row.kind === call.kind && row.package === call.package && call.names.test(row.subject),
        ),
    )
    expect(orphans.map(place)).toEqual([])
  })

  test('names the tests that kill the programs of a connector', () => {
    const paths = files.map(({ path }) => path)
    expect(withTables(page, rows, paths)).toBe(page)
  })

  test('counts as many cases as the kits have', () => {
    const stale = rows.filter(
      ({ kind, passed, onlyInFull, inapplicable }) => passed + onlyInFull + inapplicable !== kits[kind].size,
    )
    expect(stale.map(place)).toEqual([])
  })
})
