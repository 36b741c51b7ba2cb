/**
 * Rules about imports: between packages, between core's rooms, of Node's modules, and files that nothing
 * imports.
 */
import { builtinModules } from 'node:module'
import path from 'node:path'
import ts from 'typescript'
import {
  nodeDoors,
  npmImports,
  npmTestImports,
  packageImports,
  isPublicList,
  preloads,
  subpaths,
  toolEntries,
  roomMayImport,
  testImports,
} from './house.ts'
import type { Rule } from './rule.ts'
import {
  importsOf,
  isTest,
  isTypeScript,
  lineOf,
  packageOf,
  resolveImport,
  syntaxOf,
  type SourceFile,
} from './source-file.ts'

function packageFiles(files: readonly SourceFile[]): SourceFile[] {
  return files.filter((file) => isTypeScript(file) && packageOf(file) !== undefined)
}

/** The package of the workspace that a bare specifier names, or undefined when it comes from npm. */
function workspacePackage(specifier: string): string | undefined {
  const [, target, subpath] = /^(?:@millrace\/)?([^/]+)(?:\/(.+))?$/.exec(specifier) ?? []
  if (target === undefined || !(specifier.startsWith('@millrace/') || target === 'millrace')) return undefined
  return subpath === undefined || subpaths[target]?.includes(subpath) === true ? target : undefined
}

function bareImport(file: SourceFile, home: string, specifier: string): string | undefined {
  const target = workspacePackage(specifier)
  if (target !== undefined) {
    const own = packageImports[home]
    if (own === undefined)
      return `package ${home} is not in scripts/house.ts; add it there with what it may import`
    if (own.includes(target)) return undefined
    if (isTest(file) && (target === home || testImports.includes(target))) return undefined
    return `${home} may not import ${specifier}; use what it may import, or change scripts/house.ts and say why`
  }
  const npm = [...(npmImports[home] ?? []), ...(isTest(file) ? npmTestImports : [])]
  if (npm.some((name) => specifier === name || specifier.startsWith(`${name}/`))) return undefined
  return `${home} may not depend on ${specifier}; use an allowed package, or add this one to scripts/house.ts with the reason`
}

function packageDirection(files: readonly SourceFile[]): string[] {
  const findings: string[] = []
  for (const file of packageFiles(files)) {
    const home = packageOf(file) ?? ''
    for (const { specifier, line } of importsOf(file)) {
      if (specifier.startsWith('.') || isNode(specifier)) continue
      const problem = bareImport(file, home, specifier)
      if (problem !== undefined) findings.push(`${file.path}:${line}: ${problem}`)
    }
  }
  return findings
}

function isNode(specifier: string): boolean {
  return specifier.startsWith('node:') || builtinModules.includes(specifier)
}

function nodeImports(files: readonly SourceFile[]): string[] {
  const findings: string[] = []
  for (const file of packageFiles(files)) {
    if (isTest(file) || nodeDoors.some((door) => file.path.startsWith(door))) continue
    for (const { specifier, line } of importsOf(file)) {
      if (!isNode(specifier)) continue
      findings.push(
        `${file.path}:${line}: ${specifier} enters by a door only; see nodeDoors in scripts/house.ts`,
      )
    }
  }
  return findings
}

function relativeImports(files: readonly SourceFile[]): string[] {
  const findings: string[] = []
  for (const file of packageFiles(files)) {
    const home = `packages/${packageOf(file)}/`
    for (const { specifier, line } of importsOf(file)) {
      if (!specifier.startsWith('.')) continue
      const target = resolveImport(file, specifier)
      // Tests ask scripts/services for real servers, and lab/servers for what is done to jobs beside them.
      if (isTest(file) && /^(scripts\/services|lab\/servers)\//.test(target)) continue
      if (!target.startsWith(home)) {
        findings.push(`${file.path}:${line}: ${specifier} leaves the package; import by the package's name`)
      } else if (isPublicList(target) && !file.path.startsWith(`${home}test/`)) {
        findings.push(
          `${file.path}:${line}: ${path.posix.basename(target)} is for others; import the file that has the name`,
        )
      }
    }
  }
  return findings
}

function rooms(files: readonly SourceFile[]): string[] {
  const room = /^packages\/core\/src\/([^/]+)\//
  const findings: string[] = []
  for (const file of packageFiles(files)) {
    const from = room.exec(file.path)?.[1]
    if (from === undefined || isTest(file)) continue
    for (const { specifier, line } of importsOf(file)) {
      const to = specifier.startsWith('.') ? room.exec(resolveImport(file, specifier))?.[1] : undefined
      if (to === undefined || roomMayImport(from, to)) continue
      findings.push(
        `${file.path}:${line}: ${from} may not see ${to}; move the contract up or the caller down`,
      )
    }
  }
  return findings
}

function wholesaleExports(files: readonly SourceFile[]): string[] {
  const findings: string[] = []
  const namespaces = namespaceModules(files)
  for (const file of files.filter(isTypeScript)) {
    for (const node of reExports(file)) {
      if (isIndex(file) && node.exportClause !== undefined) continue
      if (node.exportClause === undefined || ts.isNamespaceExport(node.exportClause)) {
        findings.push(`${file.path}:${lineOf(node)}: export * hides what is public; list the names by hand`)
      } else if (!namespaces.has(file.path)) {
        findings.push(
          `${file.path}:${lineOf(node)}: only index.ts passes names on; import them where they live`,
        )
      }
    }
  }
  return findings
}

/** Modules that an index.ts exports under one name, such as `files`. They list the names of that namespace. */
function namespaceModules(files: readonly SourceFile[]): ReadonlySet<string> {
  const modules = new Set<string>()
  for (const file of files.filter((each) => isTypeScript(each) && isIndex(each))) {
    for (const { exportClause, moduleSpecifier } of reExports(file)) {
      if (exportClause === undefined || !ts.isNamespaceExport(exportClause)) continue
      modules.add(resolveImport(file, (moduleSpecifier as ts.StringLiteral).text))
    }
  }
  return modules
}

function reExports(file: SourceFile): readonly ts.ExportDeclaration[] {
  return syntaxOf(file).statements.filter(
    (node): node is ts.ExportDeclaration =>
      ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined,
  )
}

function isIndex(file: SourceFile): boolean {
  return path.posix.basename(file.path) === 'index.ts' || isPublicList(file.path)
}

function deadFiles(files: readonly SourceFile[]): string[] {
  const shipped = packageFiles(files).filter((file) => !isTest(file))
  const imported = new Set<string>()
  for (const file of shipped) {
    for (const { specifier } of importsOf(file)) imported.add(resolveImport(file, specifier))
  }
  return shipped
    .filter((file) => !isIndex(file) && !imported.has(file.path) && !isPreload(file))
    .filter((file) => !toolEntries.includes(file.path))
    .map((file) => `${file.path}:1: nothing but tests imports this file; use it or delete it`)
}

function isPreload(file: SourceFile): boolean {
  const home = packageOf(file) ?? ''
  return (preloads[home] ?? []).some((module) => file.path === `packages/${home}/src/${module}.ts`)
}

export const importRules: readonly Rule[] = [
  { name: 'packages import in one direction', check: packageDirection },
  { name: 'node:* enters by its doors', check: nodeImports },
  { name: 'a relative import stays inside its package and off its index', check: relativeImports },
  { name: "core's rooms form a staircase", check: rooms },
  { name: 'what is public is listed by hand', check: wholesaleExports },
  { name: 'no file is dead', check: deadFiles },
]
