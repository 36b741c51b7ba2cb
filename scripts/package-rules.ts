/** Rules about whole packages: the same layout for all, and documentation of every public name. */
import ts from 'typescript'
import { isPublicList, npmImports, packageImports, preloads, subpaths } from './house.ts'
import type { Rule } from './rule.ts'
import { lineOf, packageOf, resolveImport, syntaxOf, type SourceFile } from './source-file.ts'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license: string
  readonly type: string
  readonly sideEffects: unknown
  readonly exports: unknown
  readonly dependencies?: Readonly<Record<string, string>>
}

function exported(module: string): object {
  return {
    '@millrace/source': `./src/${module}.ts`,
    types: `./dist/${module}.d.ts`,
    default: `./dist/${module}.js`,
  }
}

/** The `exports` field that a package must have: its index, its subpaths and its preloaded modules. */
function exportsMap(modules: readonly string[]): object {
  const others = modules.map((module) => [`./${module}`, exported(module)])
  return { '.': exported('index'), ...Object.fromEntries(others), './package.json': './package.json' }
}

/** The `sideEffects` field that a package must have: only its preloaded modules have side effects. */
function sideEffects(modules: readonly string[]): unknown {
  return modules.length > 0 && modules.flatMap((module) => [`./src/${module}.ts`, `./dist/${module}.js`])
}

function manifests(files: readonly SourceFile[]): SourceFile[] {
  return files.filter((file) => /^packages\/[^/]+\/package\.json$/.test(file.path))
}

function readmes(files: readonly SourceFile[]): string[] {
  const present = new Set(files.map((file) => file.path))
  return manifests(files)
    .filter((file) => !present.has(`packages/${packageOf(file)}/README.md`))
    .map((file) => `${file.path}:1: the package has no README.md; say what it is for and show how to use it`)
}

function layoutProblems(home: string, manifest: Manifest, version: string): string[] {
  const problems: string[] = []
  const name = ['millrace', 'create-millrace'].includes(home) ? home : `@millrace/${home}`
  if (manifest.name !== name) problems.push(`the name is ${manifest.name}; call it ${name}`)
  if (manifest.version !== version) problems.push(`the version is ${manifest.version}; all are at ${version}`)
  if (manifest.license !== 'Apache-2.0') problems.push('the license is not Apache-2.0; name it')
  if (manifest.type !== 'module') problems.push('the type is not module; set it')
  const preloaded = preloads[home] ?? []
  if (JSON.stringify(manifest.sideEffects) !== JSON.stringify(sideEffects(preloaded))) {
    problems.push('sideEffects is not false; importing must do nothing')
  }
  if (
    JSON.stringify(manifest.exports) !== JSON.stringify(exportsMap([...(subpaths[home] ?? []), ...preloaded]))
  ) {
    problems.push(
      'exports differ from the other packages; index.ts, package.json and what scripts/house.ts lists are all there is',
    )
  }
  const allowed = [
    ...(packageImports[home] ?? []).map((each) => (each === 'millrace' ? each : `@millrace/${each}`)),
    ...(npmImports[home] ?? []),
  ]
  for (const dependency of Object.keys(manifest.dependencies ?? {})) {
    if (!allowed.includes(dependency))
      problems.push(`${dependency} is not allowed for it by scripts/house.ts`)
  }
  return problems
}

function layout(files: readonly SourceFile[]): string[] {
  const found = manifests(files)
  const first = found[0]
  if (first === undefined) return []
  const { version } = JSON.parse(first.text) as Manifest
  return found.flatMap((file) =>
    layoutProblems(packageOf(file) ?? '', JSON.parse(file.text) as Manifest, version).map(
      (problem) => `${file.path}:1: ${problem}`,
    ),
  )
}

/** The statement that declares a name at the top of a file, or undefined when it is not declared there. */
function declarationOf(file: SourceFile, name: string): ts.Statement | undefined {
  return syntaxOf(file).statements.find((statement) => {
    if (ts.isVariableStatement(statement)) {
      return statement.declarationList.declarations.some((each) => each.name.getText() === name)
    }
    return (
      ts.canHaveModifiers(statement) && 'name' in statement && (statement.name as ts.Node).getText() === name
    )
  })
}

function hasDocstring(node: ts.Node): boolean {
  return ts.getJSDocCommentsAndTags(node).length > 0
}

function publicNames(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const findings: string[] = []
  for (const index of files.filter(({ path }) => isPublicList(path))) {
    for (const statement of syntaxOf(index).statements) {
      if (!ts.isExportDeclaration(statement) || statement.moduleSpecifier === undefined) continue
      const home = byPath.get(resolveImport(index, (statement.moduleSpecifier as ts.StringLiteral).text))
      if (home === undefined || statement.exportClause === undefined) continue
      if (!ts.isNamedExports(statement.exportClause)) continue
      for (const { name, propertyName } of statement.exportClause.elements) {
        const declared = declarationOf(home, (propertyName ?? name).getText())
        if (declared === undefined || hasDocstring(declared)) continue
        findings.push(
          `${home.path}:${lineOf(declared)}: ${name.getText()} is public and undocumented; say what it is for`,
        )
      }
    }
  }
  return findings
}

interface LockedPackage {
  readonly version?: string
  readonly link?: boolean
  readonly integrity?: string
}

/** Without a hash npm accepts any content under that name. */
function lockedHashes(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => file.path === 'package-lock.json')
    .flatMap((file) => {
      const { packages } = JSON.parse(file.text) as { packages: Readonly<Record<string, LockedPackage>> }
      return Object.entries(packages)
        .filter(([place, { link, integrity }]) => place.startsWith('node_modules/') && !link && !integrity)
        .map(
          ([place, { version }]) =>
            `${file.path}:1: ${place} ${version} has no integrity; delete the entry and run npm install --package-lock-only without node_modules`,
        )
    })
}

export const packageRules: readonly Rule[] = [
  { name: 'every locked package has a hash', check: lockedHashes },
  { name: 'every package has a README', check: readmes },
  { name: 'packages are laid out alike', check: layout },
  { name: 'every public name is documented', check: publicNames },
]
