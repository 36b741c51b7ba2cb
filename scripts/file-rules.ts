/** Rules about single files: length, names and forbidden words. */
import ts from 'typescript'
import type { Rule } from './rule.ts'
import { isTypeScript, lineOf, syntaxOf, walk, type SourceFile } from './source-file.ts'

const fileLinesMax = 400
/** Its interfaces return each other, and an import cycle is an error, so all methods are in one file. */
const methodList = 'packages/flow/src/stream.ts'
const functionLinesMax = 70

function fileLength(files: readonly SourceFile[]): string[] {
  return files.filter(isTypeScript).flatMap((file) => {
    if (file.path === methodList) return []
    const lines = file.text.trimEnd().split('\n').length
    return lines <= fileLinesMax
      ? []
      : [`${file.path}:${fileLinesMax + 1}: ${lines} lines; move one of its topics to a file of its own`]
  })
}

/** A `describe` block is a list of tests, not one long function to read. */
function isSuite(node: ts.Node): boolean {
  return ts.isCallExpression(node.parent) && /^describe\b/.test(node.parent.expression.getText())
}

function functionLength(files: readonly SourceFile[]): string[] {
  const findings: string[] = []
  for (const file of files.filter(isTypeScript)) {
    const tree = syntaxOf(file)
    walk(tree, (node) => {
      if (!ts.isFunctionLike(node) || isSuite(node)) return
      const first = lineOf(node)
      const lines = tree.getLineAndCharacterOfPosition(node.end).line + 2 - first
      if (lines > functionLinesMax) {
        findings.push(
          `${file.path}:${first}: a function of ${lines} lines; split it and keep the branching in one function`,
        )
      }
    })
  }
  return findings
}

const drawers = /(?:^|\/)(?:utils?|helpers?|types|misc|common|shared|stuff)(?:\.test)?\.tsx?$/

function drawerFiles(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => drawers.test(file.path))
    .map((file) => `${file.path}:1: a file for anything; name it for its one topic`)
}

const weakNames = /(?:Impl|Manager|Helpers?|Utils?|Base)$|^(?:Abstract|Base)[A-Z]|^I[A-Z][a-z]/

function typeNames(files: readonly SourceFile[]): string[] {
  const findings: string[] = []
  for (const file of files.filter(isTypeScript)) {
    walk(syntaxOf(file), (node) => {
      const isType =
        ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)
      if (!isType || node.name === undefined || !weakNames.test(node.name.text)) return
      findings.push(
        `${file.path}:${lineOf(node)}: ${node.name.text} has a meaningless affix; a contract takes the plain noun, and an ` +
          'an implementation by what distinguishes it',
      )
    })
  }
  return findings
}

const testHooks = new Set(['beforeAll', 'beforeEach', 'afterEach', 'afterAll'])

/** A hook belongs to the test file that is being read when it is called: the first one that imports a shared module. */
function sharedHooks(files: readonly SourceFile[]): string[] {
  const findings: string[] = []
  for (const file of files.filter((each) => isTypeScript(each) && !/\.test\.tsx?$/.test(each.path))) {
    for (const statement of syntaxOf(file).statements) {
      if (!ts.isExpressionStatement(statement) || !ts.isCallExpression(statement.expression)) continue
      const called = statement.expression.expression
      if (!ts.isIdentifier(called) || !testHooks.has(called.text)) continue
      findings.push(
        `${file.path}:${lineOf(statement)}: ${called.text} here is for the first test file that imports this; use onTestFinished`,
      )
    }
  }
  return findings
}

// The patterns are written so that they do not match this file.
const bannedText: readonly (readonly [pattern: RegExp, advice: string])[] = [
  [/\b(?:TO[D]O|FIX[M]E|X[X]X)\b/, 'unfinished work; finish it or file an issue'],
  [
    /(?<![\w.~@)\]}*-])\/(?:work|tmp)(?![\w-])/,
    'a path of one computer; use a relative path, or os.tmpdir()',
  ],
  [/registry\.(?:npm|yarn)|npm[m]irror|artif[a]ctory|verd[a]ccio/i, 'a package registry; remove its name'],
  [
    /"resolved": "[a-z+]+:/,
    'the address of a registry; run npm install inside the workspace, which omits it',
  ],
]

function words(files: readonly SourceFile[]): string[] {
  const findings: string[] = []
  for (const file of files) {
    for (const [index, line] of file.text.split('\n').entries()) {
      for (const [pattern, advice] of bannedText) {
        const found = pattern.exec(line)
        if (found !== null) findings.push(`${file.path}:${index + 1}: '${found[0]}' is ${advice}`)
      }
    }
  }
  return findings
}

export const fileRules: readonly Rule[] = [
  { name: `a file has at most ${fileLinesMax} lines`, check: fileLength },
  { name: `a function has at most ${functionLinesMax} lines`, check: functionLength },
  { name: 'no file is a collection of unrelated helpers', check: drawerFiles },
  { name: 'no type has a meaningless affix in its name', check: typeNames },
  { name: 'a hook of tests is in a test file', check: sharedHooks },
  { name: 'no file mentions unfinished work, a path of one computer or a registry', check: words },
]
