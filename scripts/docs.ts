/** Reads documents: TypeScript code blocks, links, and tables of codes. */
import path from 'node:path'
import ts from 'typescript'
import type { SourceFile } from './source-file.ts'

/** A piece of TypeScript in a document. */
export interface Fence {
  readonly path: string
  /** The line on which its code begins, counted from 1. */
  readonly line: number
  /** A module: the fence itself, or for a fence without imports the document's preamble with the fence in it. */
  readonly module: string
  /** How many lines of the module come before the code of the fence. */
  readonly offset: number
}

const fencePattern = /^```ts\n([^]*?)^```$/gm
const preamblePattern = /^<!-- ts\n([^]*?)^-->$/m

/**
 * The `ts` fences of a document, as modules.
 *
 * A block that imports something is a module of its own. Any other block continues the document: what it uses
 * is declared once per document, in a comment that begins with `<!-- ts`.
 */
export function fencesOf({ path: file, text }: SourceFile): readonly Fence[] {
  const preamble = preamblePattern.exec(text)?.[1] ?? ''
  const seen: string[] = []
  return [...text.matchAll(fencePattern)].map((match) => {
    const code = match[1]!
    const line = text.slice(0, match.index).split('\n').length + 1
    if (/^import /m.test(code)) return { path: file, line, module: code, offset: 0 }
    const before = `${preamble}${seen.join('')}`
    if (/^(?:const|let|export) /m.test(code)) seen.push(code.replace(/^export default /gm, 'void '))
    return {
      path: file,
      line,
      module: `${before}${code}\nexport {}\n`,
      offset: before.split('\n').length - 1,
    }
  })
}

/** The file name of a code block: one that begins with `// name.ts` can be imported by other blocks. */
function fileOf(fence: Fence, index: number): string {
  return `docs/${/^\/\/ ([\w-]+\.ts)\b/.exec(fence.module)?.[1] ?? `fence-${index}.ts`}`
}

/** Compiles code blocks and returns the compiler's messages as `file:line: message`. */
export function typeErrors(fences: readonly Fence[], root: string): readonly string[] {
  const config = ts.getParsedCommandLineOfConfigFile(
    path.join(root, 'tsconfig.json'),
    { noEmit: true },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} },
  )!
  const options = { ...config.options, noUnusedLocals: false }
  const modules = new Map(fences.map((fence, index) => [path.join(root, fileOf(fence, index)), fence]))
  const disk = ts.createCompilerHost(options)
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (file) => modules.has(file) || disk.fileExists(file),
    readFile: (file) => modules.get(file)?.module ?? disk.readFile(file),
    getSourceFile: (file, target, ...rest) => {
      const fence = modules.get(file)
      return fence === undefined
        ? disk.getSourceFile(file, target, ...rest)
        : ts.createSourceFile(file, fence.module, target)
    },
  }
  const program = ts.createProgram([...modules.keys()], options, host)
  return [...modules].flatMap(([file, fence]) =>
    ts.getPreEmitDiagnostics(program, program.getSourceFile(file)).map(({ messageText, start = 0 }) => {
      const line = fence.module.slice(0, start).split('\n').length - fence.offset - 1
      return `${fence.path}:${fence.line + line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
    }),
  )
}

/** Relative links of a document that point to no file. `exists` receives paths from the root. */
export function brokenLinks(
  { path: file, text }: SourceFile,
  exists: (path: string) => boolean,
): readonly string[] {
  return [...text.matchAll(/\]\((?!\w+:|#)([^)#\s]+)(?:#[^)]*)?\)/g)]
    .map(([, target]) => path.posix.join(path.posix.dirname(file), target!))
    .filter((target) => !exists(target))
    .map((target) => `${file}: links to ${target}, which does not exist`)
}

/** The codes in the first column of a document's tables. */
export function codesIn(text: string): readonly string[] {
  return [...text.matchAll(/^\| (?:<a id="\w+"><\/a>)?`?([A-Z_]+|\d+)`? \|/gm)].map((match) => match[1]!)
}
