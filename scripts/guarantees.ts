/**
 * The table of guarantees in docs/guide/guarantees.md: what each source and sink claims, and the runs of the conformance kits
 * that have tested the claim.
 *
 * `npm run guarantees` runs the kits, on the real servers too, and fails when the page says something else;
 * `npm run guarantees -- --write` writes the page; `--from a.json b.json` takes reports of Vitest instead of running anything.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import ts from 'typescript'
import { sinkConformance, sourceConformance } from '@millrace/testkit'
import { isTest, readWorkspace, syntaxOf, walk, workspace, type SourceFile } from './source-file.ts'

/** The document with the tables. */
export const guaranteesFile = 'docs/guide/guarantees.md'

/** The part of Vitest's JSON report that is read. */
export interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[]
      readonly title: string
      readonly status: string
    }[]
  }[]
}

/** One source or sink that a kit has tested. */
export interface TestedConnector {
  readonly kind: 'source' | 'sink'
  readonly package: string
  /** The name of the suite. */
  readonly subject: string
  /** "exactly-once", "replayable" and so on. */
  readonly claim: string
  readonly isRealServer: boolean
  /** Cases that passed, that wait for `npm run test:full`, and that do not apply. */
  readonly passed: number
  readonly onlyInFull: number
  readonly inapplicable: number
}

const never = (): never => {
  throw new Error('only the names of the cases are wanted')
}

/** The names of all cases of both kits. */
export const kits: Readonly<Record<TestedConnector['kind'], ReadonlySet<string>>> = {
  source: new Set(
    sourceConformance({
      create: never,
      features: {
        durability: 'replayable',
        ends: true,
        severalSplits: true,
        failures: true,
        grows: true,
        acknowledges: true,
      },
    }).map(({ name }) => name),
  ),
  sink: new Set(
    sinkConformance({
      create: never,
      features: { guarantee: 'exactly-once', keepsFiles: true, severalSubtasks: true },
    }).map(({ name }) => name),
  ),
}

/** Only a kit has these cases, and the reasons for skipping them name a weaker claim. */
const telling = {
  source: {
    case: 'a position taken before the first poll is the beginning',
    strongest: 'replayable',
    weaker: /^this source is (.+)$/,
  },
  sink: {
    case: 'nothing is visible before commit',
    strongest: 'exactly-once',
    weaker: /^this sink promises (.+)$/,
  },
} as const

type Result = Report['testResults'][number]['assertionResults'][number]

/** Returns the connectors that the reports tell of. Throws if a case has failed, or did not run though nothing excuses it. */
export function testedConnectors(reports: readonly Report[]): TestedConnector[] {
  const found = new Map<string, TestedConnector>()
  for (const { name: file, assertionResults } of reports.flatMap(({ testResults }) => testResults)) {
    const owner = /packages\/(connector-[a-z-]+)\//.exec(file.replaceAll('\\', '/'))?.[1]
    if (owner === undefined) continue
    const suites = new Map<string, Result[]>()
    for (const result of assertionResults) {
      const suite = result.ancestorTitles.join(' > ')
      suites.set(suite, [...(suites.get(suite) ?? []), result])
    }
    for (const [suite, results] of suites) {
      const connector = connectorOf(owner, results)
      if (connector !== undefined) found.set(`${owner} ${connector.kind} ${suite}`, connector)
    }
  }
  return [...found.values()].toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

const keyOf = ({ package: owner, subject, isRealServer }: TestedConnector): string =>
  [owner, isRealServer ? 1 : 2, subject].join(' ')

function connectorOf(owner: string, results: readonly Result[]): TestedConnector | undefined {
  const outcomes = new Map(
    results.map(({ title, status }) => {
      const [name, reason] = caseOf(title)
      return [name, { reason, status }] as const
    }),
  )
  const kind = (['source', 'sink'] as const).find((each) => outcomes.has(telling[each].case))
  if (kind === undefined) return undefined
  const { ancestorTitles } = results[0]!
  const subject = ancestorTitles.at(-1)!
  const counts = { passed: 0, onlyInFull: 0, inapplicable: 0 }
  for (const name of kits[kind]) {
    const outcome = outcomes.get(name)
    if (outcome?.status === 'passed') counts.passed++
    else if (outcome?.reason === undefined) {
      throw new Error(
        `${owner}, ${subject}: "${name}" is ${outcome?.status ?? 'missing'}. Run the kits where their servers can be started.`,
      )
    } else if (outcome.reason.includes('npm run test:full')) counts.onlyInFull++
    else counts.inapplicable++
  }
  const { strongest, weaker, case: tellingCase } = telling[kind]
  const claim = weaker.exec(outcomes.get(tellingCase)!.reason ?? '')?.[1] ?? strongest
  return {
    kind,
    package: owner,
    subject,
    claim,
    isRealServer: ancestorTitles.some((title) => title.startsWith('on a real')),
    ...counts,
  }
}

/** The name of a case, and why it was skipped. */
function caseOf(title: string): readonly [name: string, reason: string | undefined] {
  const [, name, reason] = /^(.*?)(?: \(skipped: (.*)\))?$/s.exec(title)!
  return [name!, reason]
}

/** The tests of a package that kill processes, stop servers and cut connections, beside its kits. */
function harderTests(owner: string, files: readonly string[]): string {
  const found = files.flatMap((file) => {
    const [, name] =
      new RegExp(
        `^packages/${owner}/test/((?:kills|leader-killed|outages?|windows|log-checker|security)\\.(?:long|service|system)\\.test\\.ts)$`,
      ).exec(file) ?? []
    return name === undefined ? [] : [`[${name.split('.')[0]!}](../../${file})`]
  })
  return found.join(', ')
}

/** Returns the table of all sources or all sinks. */
export function guaranteeTable(
  kind: TestedConnector['kind'],
  tested: readonly TestedConnector[],
  files: readonly string[],
): string {
  const rows = tested
    .filter((each) => each.kind === kind)
    .map(({ package: owner, subject, claim, isRealServer, passed, onlyInFull, inapplicable }) => {
      const cells = [
        `[${owner.replace('connector-', '')}](../../packages/${owner})`,
        subject,
        claim,
        isRealServer ? 'a real server' : 'a simulated one',
        String(passed),
        String(onlyInFull),
        String(inapplicable),
        harderTests(owner, files),
      ]
      return `| ${cells.join(' | ')} |`
    })
  return [
    `| package | ${kind} | ${kind === 'sink' ? 'guarantee' : 'durability'} | tested on | cases passed | only in \`test:full\` | not applicable | killed and cut off in |`,
    '|---|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

function place(kind: string): RegExp {
  return new RegExp(
    `(?<=<!-- guarantees of ${kind}s -->\\n\\n)[^]*?(?=\\n\\n<!-- /guarantees of ${kind}s -->)`,
  )
}

/** Returns the page with tables of these runs. */
export function withTables(
  page: string,
  tested: readonly TestedConnector[],
  files: readonly string[],
): string {
  let text = page
  for (const kind of ['source', 'sink'] as const) {
    text = text.replace(place(kind), () => guaranteeTable(kind, tested, files))
  }
  return text
}

/** Reads the tables of a page. */
export function connectorsOn(page: string): TestedConnector[] {
  return (['source', 'sink'] as const).flatMap((kind) =>
    (place(kind).exec(page)?.[0] ?? '')
      .split('\n')
      .slice(2)
      .map((row) => {
        const [, owner, subject, claim, on, ...counts] = row.split('|').map((cell) => cell.trim())
        const [passed, onlyInFull, inapplicable] = counts.map(Number) as [number, number, number]
        const name = `connector-${/^\[([a-z-]+)\]/.exec(owner!)![1]}`
        return {
          kind,
          package: name,
          subject: subject!,
          claim: claim!,
          isRealServer: on === 'a real server',
          passed,
          onlyInFull,
          inapplicable,
        }
      }),
  )
}

/** A call of a kit in a test of a connector, with a pattern for the names of its suites. */
export interface KitCall {
  readonly kind: TestedConnector['kind']
  readonly file: string
  readonly package: string
  readonly names: RegExp
}

/** Finds every call of a kit in the tests of connectors. */
export function kitCalls(files: readonly SourceFile[]): KitCall[] {
  const calls: KitCall[] = []
  for (const file of files.filter((each) => isTest(each) && each.path.startsWith('packages/connector-'))) {
    walk(syntaxOf(file), (node) => {
      if (!ts.isCallExpression(node) || node.expression.getText() !== 'describeCases') return
      const [name, kit] = node.arguments
      const kind = kit!.getText().startsWith('sinkConformance') ? 'sink' : 'source'
      calls.push({ kind, file: file.path, package: file.path.split('/')[1]!, names: namesOf(name!) })
    })
  }
  return calls
}

/** The names that an expression may be: the parts of a template that are known, in their order. */
function namesOf(expression: ts.Expression): RegExp {
  const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  if (ts.isStringLiteralLike(expression)) return new RegExp(`^${escape(expression.text)}$`)
  if (ts.isConditionalExpression(expression)) {
    const parts = [expression.whenTrue, expression.whenFalse].map((each) => namesOf(each).source)
    return new RegExp(parts.join('|'))
  }
  if (!ts.isTemplateExpression(expression)) return /^/
  const spans = expression.templateSpans.map(({ literal }) => `.*${escape(literal.text)}`)
  return new RegExp(`^${escape(expression.head.text)}${spans.join('')}$`)
}

function runKits(files: readonly SourceFile[]): Report[] {
  const scratch = mkdtempSync(path.join(tmpdir(), 'guarantees-'))
  const suites = [...new Set(kitCalls(files).map(({ file }) => file))]
  const isService = (file: string): boolean => file.endsWith('.service.test.ts')
  try {
    return [
      { config: 'vitest.config.ts', run: suites.filter((file) => !isService(file)) },
      { config: 'vitest.services.config.ts', run: suites.filter(isService) },
    ].map(({ config, run }) => {
      const report = path.join(scratch, `${config}.json`)
      const vitest = path.join(workspace, 'node_modules/vitest/vitest.mjs')
      const reporters = ['--reporter=dot', '--reporter=json', `--outputFile.json=${report}`]
      spawnSync(process.execPath, [vitest, 'run', '--config', config, ...run, ...reporters], {
        cwd: workspace,
        stdio: 'inherit',
      })
      return readReport(report)
    })
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function readReport(file: string): Report {
  if (!existsSync(file)) throw new Error(`${file} does not exist: the tests have written no report`)
  return JSON.parse(readFileSync(file, 'utf8')) as Report
}

function main(args: readonly string[]): void {
  const files = readWorkspace()
  const from = args.indexOf('--from')
  const reports =
    from === -1
      ? runKits(files)
      : args
          .slice(from + 1)
          .filter((arg) => !arg.startsWith('--'))
          .map(readReport)
  const file = path.join(workspace, guaranteesFile)
  const page = readFileSync(file, 'utf8')
  const fresh = withTables(
    page,
    testedConnectors(reports),
    files.map((each) => each.path),
  )
  if (args.includes('--write')) writeFileSync(file, fresh)
  else if (fresh !== page) {
    console.error(`${guaranteesFile} differs from these runs: npm run guarantees -- --write`)
    process.exitCode = 1
  }
  console.log(
    fresh
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .join('\n'),
  )
}

if (process.argv[1] === import.meta.filename) main(process.argv.slice(2))
