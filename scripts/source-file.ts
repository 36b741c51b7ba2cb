import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'

/** The folder that holds the workspace. */
export const workspace: string = path.dirname(import.meta.dirname)

/** One text file of the workspace; `path` is relative to the workspace and uses forward slashes. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** An import, a re-export or a dynamic import, and its line. */
export interface Import {
  readonly specifier: string
  readonly line: number
}

const textFile = /\.(?:tsx?|js|mjs|json|md|yml|sh)$|(?:^|\/)\.[a-z]+rc$|^\.ci\//

/** Reads every text file of the repository: tracked, or new and not ignored. */
export function readWorkspace(): SourceFile[] {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: workspace,
    encoding: 'utf8',
  })
  return listed
    .split('\0')
    .filter((file) => textFile.test(file) && !isTemplate(file) && existsSync(path.join(workspace, file)))
    .sort()
    .map((file) => ({ path: file, text: readFileSync(path.join(workspace, file), 'utf8') }))
}

/** Templates are projects of their own: `create-millrace` copies them, and its tests compile and run them. */
function isTemplate(file: string): boolean {
  return /^packages\/[^/]+\/template\//.test(file)
}

export function isTypeScript(file: SourceFile): boolean {
  return /\.tsx?$/.test(file.path) && !file.path.endsWith('.d.ts')
}

/** Whether only tests run this file. Test code may do what shipped code may not. */
export function isTest(file: SourceFile): boolean {
  return /\.(?:test|test-d|bench)\.ts$/.test(file.path) || /^packages\/[^/]+\/test\//.test(file.path)
}

/** The package a file belongs to, or undefined outside `packages/`. */
export function packageOf(file: SourceFile): string | undefined {
  return /^packages\/([^/]+)\//.exec(file.path)?.[1]
}

const parsed = new WeakMap<SourceFile, ts.SourceFile>()

/** The syntax tree of a file, parsed once. */
export function syntaxOf(file: SourceFile): ts.SourceFile {
  let tree = parsed.get(file)
  if (tree === undefined) {
    tree = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ES2023, true)
    parsed.set(file, tree)
  }
  return tree
}

/** The number of the line, from 1, on which a node begins. */
export function lineOf(node: ts.Node): number {
  const tree = node.getSourceFile()
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1
}

/** Visits a node and everything below it. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node)
  node.forEachChild((child) => walk(child, visit))
}

function isModuleUrl(node: ts.Node): boolean {
  return (
    ts.isNewExpression(node) &&
    node.expression.getText() === 'URL' &&
    node.arguments?.[1]?.getText() === 'import.meta.url'
  )
}

/** What a file imports, including `import()` and files named by `new URL('./x.ts', import.meta.url)`. */
export function importsOf(file: SourceFile): Import[] {
  const imports: Import[] = []
  const add = (node: ts.Node | undefined): void => {
    if (node !== undefined && ts.isStringLiteralLike(node)) {
      imports.push({ specifier: node.text, line: lineOf(node) })
    }
  }
  walk(syntaxOf(file), (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0])
    } else if (isModuleUrl(node)) {
      // Built files name the .js beside them, source files the .ts.
      walk(node, (part) => {
        if (!ts.isStringLiteralLike(part) || !part.text.startsWith('.')) return
        imports.push({ specifier: part.text.replace(/\.js$/, '.ts'), line: lineOf(part) })
      })
    }
  })
  return imports
}

/** The workspace path that a relative import points at. */
export function resolveImport(file: SourceFile, specifier: string): string {
  return path.posix.join(path.posix.dirname(file.path), specifier)
}
