/**
 * Which of the engine's numbered statements the tests cover.
 *
 * A test names the statements it shows at the start of its name: `EN-031 touching sessions merge`, several as
 * `EN-031 EN-032 ...`, a range as `EN-002..005 ...`. A test that is skipped shows nothing.
 *
 * `npm run conformance` prints the coverage; `npm run conformance -- --write` also puts it into HACKING.md.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'
import {
  isTest,
  isTypeScript,
  readWorkspace,
  syntaxOf,
  walk,
  workspace,
  type SourceFile,
} from './source-file.ts'

/** The chapters of the checklist, each with its first and last statement. */
export const chapters: readonly (readonly [title: string, first: number, last: number])[] = [
  ['tumbling, sliding, count and global windows', 1, 28],
  ['session windows', 29, 45],
  ['late data, lateness, accumulation', 46, 63],
  ['triggers and evictors', 64, 75],
  ['watermarks', 76, 99],
  ['timers', 100, 113],
  ['joins', 114, 133],
  ['changelog, dedup, top-n', 134, 148],
  ['patterns', 149, 172],
  ['state and expiry', 173, 190],
  ['checkpoints', 191, 214],
  ['sinks and two-phase commit', 215, 230],
  ['rescale and key groups', 231, 238],
  ['sources, time across splits, errors, stop', 239, 252],
]

const statements = 252

/** The statements that a test's name begins with. */
export function statementsIn(name: string): number[] {
  const found: number[] = []
  let rest = name
  for (;;) {
    const next = /^EN-(\d{3})(?:\.\.(?:EN-)?(\d{3}))?(?:,?\s+|$)/.exec(rest)
    if (next === null) return found
    const first = Number(next[1])
    const last = Number(next[2] ?? next[1])
    for (let number = first; number <= last; number++) found.push(number)
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

/** The scripts' own tests speak of statements without showing them. */
function showsEngine(file: SourceFile): boolean {
  return !file.path.startsWith('scripts/')
}

/** Every statement that a test of these files shows, with the places that show it. */
export function coverage(files: readonly SourceFile[]): Map<number, string[]> {
  const shown = new Map<number, string[]>()
  for (const file of files.filter((each) => isTypeScript(each) && isTest(each) && showsEngine(each))) {
    walk(syntaxOf(file), (node) => {
      if (!ts.isStringLiteralLike(node) && !ts.isTemplateHead(node)) return
      if (!node.text.startsWith('EN-') || isSkipped(node)) return
      for (const number of statementsIn(node.text)) {
        shown.set(number, [...(shown.get(number) ?? []), file.path])
      }
    })
  }
  return shown
}

function label(first: number, last: number): string {
  const pad = (number: number): string => String(number).padStart(3, '0')
  return first === last ? `EN-${pad(first)}` : `EN-${pad(first)}..${pad(last)}`
}

/** Writes numbers as the shortest list of labels and ranges. */
export function labels(numbers: readonly number[]): string {
  const runs: [first: number, last: number][] = []
  for (const number of numbers) {
    const run = runs.at(-1)
    if (run !== undefined && run[1] === number - 1) run[1] = number
    else runs.push([number, number])
  }
  return runs.map(([first, last]) => label(first, last)).join(' ')
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

/** The coverage per chapter as a table in Markdown. */
export function table(shown: ReadonlyMap<number, unknown>): string {
  const rows = chapters.map(([title, first, last]) => {
    const all = range(first, last)
    const missing = all.filter((number) => !shown.has(number))
    return `| ${title} | ${label(first, last)} | ${all.length - missing.length} of ${all.length} | ${labels(missing)} |`
  })
  const total = range(1, statements).filter((number) => shown.has(number)).length
  return [
    '| chapter | statements | covered | not covered |',
    '|---|---|---|---|',
    ...rows,
    `| all | ${label(1, statements)} | ${total} of ${statements} | |`,
  ].join('\n')
}

const place = /(?<=<!-- conformance -->\n)[^]*?(?=\n<!-- \/conformance -->)/

/** The table that HACKING.md holds now. */
export function recordedTable(hacking: string): string {
  return place.exec(hacking)?.[0] ?? ''
}

function main(args: readonly string[]): void {
  const shown = coverage(readWorkspace())
  console.log(table(shown))
  if (!args.includes('--write')) return
  const file = path.join(workspace, 'HACKING.md')
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(place, () => table(shown)),
  )
}

if (process.argv[1] === import.meta.filename) main(process.argv.slice(2))
