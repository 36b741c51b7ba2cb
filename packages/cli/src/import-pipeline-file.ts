import { readFile } from 'node:fs/promises'
import nodeModule, { createRequire } from 'node:module'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { isWatched, reportSource } from './report-source.ts'

type Exports = Readonly<Record<string, unknown>>

/** The first Node that removes types itself without a warning. */
const strippingNode = 24

/** What Node cannot load and tsx can: an enum, JSX, an import without its extension, paths of tsconfig.json. */
const codesOfMore: readonly string[] = [
  'ERR_IMPORT_ATTRIBUTE_MISSING',
  'ERR_INVALID_TYPESCRIPT_SYNTAX',
  'ERR_MODULE_NOT_FOUND',
  'ERR_PACKAGE_PATH_NOT_EXPORTED',
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_UNSUPPORTED_DIR_IMPORT',
  'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
]

/** Whether a URL is TypeScript of the project, as source text for a pattern. */
const projectSource = String.raw`/^(?!.*\/node_modules\/).*\.tsx?(\?|$)/`

/**
 * Imports the file of a pipeline. TypeScript is always an ES module, whatever its package.json says: the packages that it
 * imports are ES modules, and `require` would load a second copy of each.
 *
 * Node loads JavaScript, and Node 24 and later remove the types, which takes a few milliseconds. Where that is not enough, and in
 * older versions, tsx loads the file, which takes 400 milliseconds of CPU in each thread.
 */
export async function importPipelineFile(url: string): Promise<Exports> {
  const isTypeScript = /\.[cm]?tsx?$/.test(url)
  const hooks = stripsTypes() ? stripTypes() : undefined
  // Without hooks, the modules that a watched command loads would not be known.
  if (hooks !== undefined || (!isTypeScript && !isWatched())) {
    try {
      return await importModule(url)
    } catch (error) {
      // Node links all modules before it runs the first, so nothing has run when one cannot be linked.
      if (!needsMore(error)) throw error
      hooks?.deregister()
    }
  }
  await importMillraceOf(url)
  await registerTsx()
  return importModule(isTypeScript ? url : `${url}?tsx`)
}

/**
 * Imports the packages of Millrace that a file imports. tsx passes each module through another thread, which makes loading
 * an engine three times slower; what is loaded before tsx is not loaded again.
 */
async function importMillraceOf(url: string): Promise<void> {
  const text = await readFile(new URL(url), 'utf8')
  const packages = new Set(Array.from(text.matchAll(millraceImport), ([, name]) => name!))
  const { resolve } = createRequire(url)
  // A package that is missing is an error of the file, which names it.
  await Promise.allSettled(
    Array.from(packages, async (name) => importModule(pathToFileURL(resolve(name)).href)),
  )
}

const millraceImport = /\bfrom\s*['"]((?:@millrace\/|millrace\b)[\w/-]*)['"]/g

function stripsTypes(): boolean {
  const { typescript = false } = process.features as { readonly typescript?: string | false }
  return typescript !== false && Number.parseInt(process.versions.node, 10) >= strippingNode
}

async function importModule(url: string): Promise<Exports> {
  return (await import(url)) as Exports
}

/** What newer versions of Node have. */
interface NewerModule {
  registerHooks(hooks: { resolve(specifier: string, context: object, next: Resolve): ReturnType<Resolve> }): {
    deregister(): void
  }
}

type Resolve = (specifier: string, context: object) => { readonly url: string; readonly format?: string }

function stripTypes(): { deregister(): void } {
  const pattern = new RegExp(projectSource.slice(1, -1))
  return (nodeModule as unknown as NewerModule).registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context)
      reportSource(resolved.url)
      return pattern.test(resolved.url) ? { ...resolved, format: 'module-typescript' } : resolved
    },
  })
}

/** A name that is not exported may be that of a type, whose import tsx leaves out. */
function needsMore(error: unknown): boolean {
  const code = (error as { readonly code?: unknown } | undefined)?.code
  return (
    codesOfMore.includes(String(code)) ||
    (error instanceof SyntaxError && /does not provide an export/.test(error.message))
  )
}

/** Gives modules of the project another URL than in the first try, whose failures Node remembers. */
const tsxHooks = `
  export async function resolve(specifier, context, next) {
    const resolved = await next(specifier, context)
    const isTypeScript = ${projectSource}.test(resolved.url)
    if (isTypeScript) return { ...resolved, url: resolved.url.split('?')[0] + '?tsx', format: 'module' }
    const isPart = /^\\.{1,2}\\//.test(specifier) && context.parentURL?.endsWith('?tsx')
    return isPart && !resolved.url.includes('?') ? { ...resolved, url: resolved.url + '?tsx' } : resolved
  }
`

async function registerTsx(): Promise<void> {
  // Imported late, because it takes longer to load than the rest of the command.
  const { register } = await import('tsx/esm/api')
  withoutDeprecations(() => {
    register({ onImport: reportSource })
    nodeModule.register(`data:text/javascript,${encodeURIComponent(tsxHooks)}`)
  })
}

/**
 * Newer Node versions deprecate `module.register`, and older ones have no replacement; the warning does not
 * help users.
 */
function withoutDeprecations(code: () => void): void {
  const { noDeprecation } = process
  process.noDeprecation = true
  try {
    code()
  } finally {
    process.noDeprecation = noDeprecation === true
  }
}
