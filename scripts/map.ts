/** The map in ARCHITECTURE.md, drawn from the imports of the code: packages, and the rooms of core. */
import { circles, type ImportGraph } from './import-graph.ts'
import type { Rule } from './rule.ts'
import { importsOf, isTest, isTypeScript, packageOf, resolveImport, type SourceFile } from './source-file.ts'

const documentPath = 'ARCHITECTURE.md'
const readingLinesMax = 2_500

/** Which package imports which of the workspace, tests apart. */
function packageGraph(files: readonly SourceFile[]): ImportGraph {
  return graphOf(files, packageOf, (_, specifier) =>
    specifier === 'millrace' ? 'millrace' : /^@millrace\/([^/]+)/.exec(specifier)?.[1],
  )
}

/** Which room of core imports which, tests apart. */
function roomGraph(files: readonly SourceFile[]): ImportGraph {
  const roomOf = (path: string): string | undefined => /^packages\/core\/src\/([^/]+)\//.exec(path)?.[1]
  return graphOf(
    files,
    ({ path }) => roomOf(path),
    (file, specifier) => (specifier.startsWith('.') ? roomOf(resolveImport(file, specifier)) : undefined),
  )
}

function graphOf(
  files: readonly SourceFile[],
  placeOf: (file: SourceFile) => string | undefined,
  targetOf: (file: SourceFile, specifier: string) => string | undefined,
): ImportGraph {
  const graph = new Map<string, Set<string>>()
  for (const file of files) {
    const place = placeOf(file)
    if (place === undefined || isTest(file) || !isProgram(file)) continue
    const targets = graph.get(place) ?? new Set()
    graph.set(place, targets)
    for (const { specifier } of importsOf(file)) {
      const target = targetOf(file, specifier)
      if (target !== undefined && target !== place) targets.add(target)
    }
  }
  return graph
}

function isProgram(file: SourceFile): boolean {
  return isTypeScript(file) || /^packages\/[^/]+\/bin\/.*\.js$/.test(file.path)
}

/** A Mermaid flowchart from what is imported to what imports it. Leaves out an arrow where a longer way says the same. */
function flowchart(graph: ImportGraph): string {
  const reached = new Map<string, ReadonlySet<string>>()
  const reachedFrom = (name: string): ReadonlySet<string> => {
    const known = reached.get(name)
    if (known !== undefined) return known
    const all = new Set<string>()
    // A circle ends here; the rules report it.
    reached.set(name, all)
    for (const next of graph.get(name) ?? []) for (const each of [next, ...reachedFrom(next)]) all.add(each)
    return all
  }
  const lines = [...graph].flatMap(([name, targets]) => {
    const direct = [...targets].filter(
      (target) => ![...targets].some((other) => other !== target && reachedFrom(other).has(target)),
    )
    return direct.length === 0 ? [`  ${name}`] : direct.map((target) => `  ${target} --> ${name}`)
  })
  return ['```mermaid', 'flowchart LR', ...lines.toSorted(), '```'].join('\n')
}

/** Puts the map into the document, between its markers. */
export function withMap(document: string, files: readonly SourceFile[]): string {
  const maps = { packages: packageGraph(files), rooms: roomGraph(files) }
  return Object.entries(maps).reduce((text, [name, graph]) => {
    const begin = `<!-- map of ${name}: npm run map -->`
    const end = `<!-- end of the map of ${name} -->`
    const [from, to] = [text.indexOf(begin), text.indexOf(end)]
    if (from < 0 || to < from) throw new Error(`${documentPath} has no place for the map of ${name}`)
    return `${text.slice(0, from)}${begin}\n\n${flowchart(graph)}\n\n${text.slice(to)}`
  }, document)
}

function isMapTrue(files: readonly SourceFile[]): string[] {
  const document = files.find(({ path }) => path === documentPath)
  if (document === undefined || document.text === withMap(document.text, files)) return []
  return [`${documentPath}:1: the map differs from the imports of the code; run npm run map`]
}

function circularPlaces(files: readonly SourceFile[]): string[] {
  return [...circles(packageGraph(files)), ...circles(roomGraph(files))].map(
    (group) => `${group.join(', ')}: they import one another; move what both need to one of its own`,
  )
}

/** The files that the first table of the document tells a newcomer to read. */
function readingList(document: string): readonly string[] {
  return [...document.matchAll(/^\| \d+ \| `([^`]+)` \|/gm)].map(([, path]) => path!)
}

function readingLength(files: readonly SourceFile[]): string[] {
  const document = files.find(({ path }) => path === documentPath)
  if (document === undefined) return []
  const findings: string[] = []
  let lines = 0
  for (const path of readingList(document.text)) {
    const file = files.find((each) => each.path === path)
    if (file === undefined) findings.push(`${documentPath}:1: lists ${path}, which does not exist`)
    else lines += file.text.split('\n').length - 1
  }
  if (lines > readingLinesMax) {
    findings.push(
      `${documentPath}:1: the files to read first have ${lines} lines, more than ${readingLinesMax}`,
    )
  }
  return findings
}

export const mapRules: readonly Rule[] = [
  { name: 'the map shows the imports of the code', check: isMapTrue },
  { name: 'no package and no room imports itself by way of others', check: circularPlaces },
  { name: `the files to read first have at most ${readingLinesMax} lines`, check: readingLength },
]
