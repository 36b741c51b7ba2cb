/**
 * Which of the numbered statements the tests cover: the engine's (EN) and those of Go's channels (GO).
 *
 * A test names the statements it covers at the start of its name: `EN-031 touching sessions merge`, several
 * as `GO-031 GO-032 ...`, a range as `EN-002..005 ...`. Skipped tests do not count. A statement about Go that
 * cannot hold in JavaScript is listed in a table of packages/channels/CONFORMANCE.md, with the reason.
 *
 * `npm run conformance` prints the coverage; `npm run conformance -- --write` also writes it into docs/conformance.md.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'
import { enginesChapters, gosChapters, type Chapter } from './conformance-chapters.ts'
import {
  isTest,
  isTypeScript,
  readWorkspace,
  syntaxOf,
  walk,
  workspace,
  type SourceFile,
} from './source-file.ts'

/** The document that lists the coverage. */
export const ledgerFile = 'docs/conformance.md'

/** A list of numbered statements. */
export interface Checklist {
  /** The prefix of its numbers. */
  readonly prefix: 'EN' | 'GO'
  readonly chapters: readonly Chapter[]
  /** The document whose table lists the statements that cannot hold, or undefined when all can. */
  readonly exceptions?: string
}

/** The statements about the engine. */
export const engine: Checklist = { prefix: 'EN', chapters: enginesChapters }

/** The statements about Go's channels, contexts, groups and timers. */
export const go: Checklist = {
  prefix: 'GO',
  chapters: gosChapters,
  exceptions: 'packages/channels/CONFORMANCE.md',
}

/** How many statements a checklist has. */
export function statementCount({ chapters }: Checklist): number {
  return chapters.at(-1)![2]
}

/** The statements of a checklist that a test's name begins with. A name may begin with those of several lists. */
export function statementsIn({ prefix }: Checklist, name: string): number[] {
  const found: number[] = []
  let rest = name
  for (;;) {
    const next = /^([A-Z]{2})-(\d{3})(?:\.\.(?:[A-Z]{2}-)?(\d{3}))?(?:,?\s+|$)/.exec(rest)
    if (next === null) return found
    const first = Number(next[2])
    const last = Number(next[3] ?? next[2])
    if (next[1] === prefix) found.push(...range(first, last))
    rest = rest.slice(next[0].length)
  }
}

function isSkipped(literal: ts.Node): boolean {
  for (let node = literal; node.parent !== undefined; node = node.parent) {
    if (
      ts.isCallExpression(node) &&
      /^(?:test|it|describe)\.(?:skip|todo)\b/.test(node.expression.getText())
    ) {
      return true
    }
  }
  return false
}

/** The scripts' own tests mention statements without covering them. */
function mayShow(file: SourceFile): boolean {
  return !file.path.startsWith('scripts/')
}

/** Every statement that a test of these files covers, with the places of the tests. */
export function coverage(checklist: Checklist, files: readonly SourceFile[]): Map<number, string[]> {
  const shown = new Map<number, string[]>()
  for (const file of files.filter((each) => isTypeScript(each) && isTest(each) && mayShow(each))) {
    walk(syntaxOf(file), (node) => {
      if (!ts.isStringLiteralLike(node) && !ts.isTemplateHead(node)) return
      const named = statementsIn(checklist, node.text)
      if (named.length === 0 || isSkipped(node)) return
      for (const number of named) {
        shown.set(number, [...(shown.get(number) ?? []), file.path])
      }
    })
  }
  return shown
}

/** The statements that a document lists as ones that cannot hold, in the order in which it lists them. */
export function exceptionsIn(checklist: Checklist, files: readonly SourceFile[]): number[] {
  const text = files.find((file) => file.path === checklist.exceptions)?.text ?? ''
  return [...text.matchAll(/^\| ([^|]+) \| [^|]+ \|$/gm)].flatMap((row) => statementsIn(checklist, row[1]!))
}

function label(prefix: string, first: number, last: number): string {
  const pad = (number: number): string => String(number).padStart(3, '0')
  return first === last ? `${prefix}-${pad(first)}` : `${prefix}-${pad(first)}..${pad(last)}`
}

/** Formats numbers as the shortest list of labels and ranges. */
export function labels({ prefix }: Checklist, numbers: readonly number[]): string {
  const runs: [first: number, last: number][] = []
  for (const number of numbers) {
    const run = runs.at(-1)
    if (run !== undefined && run[1] === number - 1) run[1] = number
    else runs.push([number, number])
  }
  return runs.map(([first, last]) => label(prefix, first, last)).join(' ')
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

/**
 * The coverage per chapter as a Markdown table. A statement that is covered and listed as impossible counts
 * as covered.
 */
export function table(
  checklist: Checklist,
  shown: ReadonlyMap<number, unknown>,
  exceptions: readonly number[] = [],
): string {
  const impossible = new Set(exceptions.filter((number) => !shown.has(number)))
  const hasExceptions = checklist.exceptions !== undefined
  const row = (title: string, first: number, last: number, cannot: string, missing: string): string => {
    const numbers = range(first, last)
    const covered = `${numbers.filter((number) => shown.has(number)).length} of ${numbers.length}`
    const cells = [title, label(checklist.prefix, first, last), covered, ...(hasExceptions ? [cannot] : [])]
    return `| ${cells.join(' | ')} |${missing} |`
  }
  const rows = checklist.chapters.map(([title, first, last]) => {
    const unshown = range(first, last).filter((number) => !shown.has(number))
    const cannot = unshown.filter((number) => impossible.has(number))
    const missing = unshown.filter((number) => !impossible.has(number))
    return row(title, first, last, labels(checklist, cannot), ` ${labels(checklist, missing)}`)
  })
  return [
    `| chapter | statements | covered |${hasExceptions ? ' cannot hold |' : ''} not covered |`,
    `|---|---|---|---|${hasExceptions ? '---|' : ''}`,
    ...rows,
    row('all', 1, statementCount(checklist), String(impossible.size), ''),
  ].join('\n')
}

function place({ prefix }: Checklist): RegExp {
  return new RegExp(`(?<=<!-- conformance ${prefix} -->\\n)[^]*?(?=\\n<!-- /conformance ${prefix} -->)`)
}

/** The table of a checklist in `ledger`, the text of docs/conformance.md. */
export function recordedTable(checklist: Checklist, ledger: string): string {
  return place(checklist).exec(ledger)?.[0] ?? ''
}

function main(args: readonly string[]): void {
  const files = readWorkspace()
  const tables = [engine, go].map((checklist) => ({
    checklist,
    text: table(checklist, coverage(checklist, files), exceptionsIn(checklist, files)),
  }))
  console.log(tables.map(({ text }) => text).join('\n\n'))
  if (!args.includes('--write')) return
  const file = path.join(workspace, ledgerFile)
  let ledger = readFileSync(file, 'utf8')
  for (const { checklist, text } of tables) ledger = ledger.replace(place(checklist), () => text)
  writeFileSync(file, ledger)
}

if (process.argv[1] === import.meta.filename) main(process.argv.slice(2))
