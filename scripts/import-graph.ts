/** Who imports whom in the workspace, type imports included, and the circles among them. */
import type { Rule } from './rule.ts'
import { importsOf, isTypeScript, resolveImport, type SourceFile } from './source-file.ts'

/** Names and what each of them imports. */
export type ImportGraph = ReadonlyMap<string, ReadonlySet<string>>

/** The files of the workspace, by path, with the files that they import by relative paths. */
function fileGraph(files: readonly SourceFile[]): ImportGraph {
  const sources = files.filter(isTypeScript)
  const paths = new Set(sources.map(({ path }) => path))
  return new Map(
    sources.map((file) => {
      const targets = importsOf(file).map(({ specifier }) => resolveImport(file, specifier))
      return [file.path, new Set(targets.filter((target) => paths.has(target)))]
    }),
  )
}

/** Names that import one another, directly or by way of others: each group sorted. (Tarjan's algorithm.) */
export function circles(graph: ImportGraph): readonly (readonly string[])[] {
  const found: string[][] = []
  const order = new Map<string, number>()
  const lowest = new Map<string, number>()
  const open: string[] = []
  const visit = (name: string): void => {
    order.set(name, order.size)
    let low = order.get(name)!
    open.push(name)
    for (const next of graph.get(name) ?? []) {
      if (!order.has(next)) visit(next)
      if (open.includes(next)) low = Math.min(low, lowest.get(next) ?? order.get(next)!)
    }
    lowest.set(name, low)
    if (low !== order.get(name)) return
    const group = open.splice(open.indexOf(name))
    if (group.length > 1 || graph.get(name)?.has(name) === true) found.push(group.toSorted())
  }
  for (const name of graph.keys()) if (!order.has(name)) visit(name)
  return found
}

function circularImports(files: readonly SourceFile[]): string[] {
  return circles(fileGraph(files)).map(
    (group) =>
      `${group[0]}:1: imports itself by way of ${group.slice(1).join(', ') || 'itself'}; move what both need to a file of its own`,
  )
}

export const circleRule: Rule = { name: 'no file imports itself by way of others', check: circularImports }
