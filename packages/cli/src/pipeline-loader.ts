import { stat } from 'node:fs/promises'
import nodeModule from 'node:module'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { describeError, MillraceError } from '@millrace/core'
import { isPipeline, type Pipeline } from '@millrace/flow'

/**
 * Loads a TypeScript or JavaScript file and returns the pipeline that it exports by default.
 *
 * The file and its imports share this process's module instances, so `millrace` in the file is the package
 * that runs it. Throws `FS_NOT_FOUND` if the file does not exist and `GRAPH_INVALID` if it cannot be loaded
 * or exports no pipeline.
 */
export async function loadPipeline(file: string): Promise<Pipeline> {
  const resolved = path.resolve(file)
  const found = await stat(resolved).catch(() => undefined)
  if (found === undefined) {
    throw new MillraceError('FS_NOT_FOUND', `${file}: no such file. Give the path of a pipeline file`)
  }
  if (!found.isFile()) throw invalid(`${file} is not a file. Give the path of a pipeline file`)
  await readTypeScript()
  let exported: Readonly<Record<string, unknown>>
  try {
    exported = (await import(pathToFileURL(resolved).href)) as Readonly<Record<string, unknown>>
  } catch (error) {
    throw unloadable(file, error)
  }
  return pipelineIn(file, exported)
}

/**
 * Loads the project's source files as ES modules, whatever its package.json says: the packages they import
 * are ES modules, and `require` would load a second copy of each.
 */
const moduleHooks = `
  export async function resolve(specifier, context, next) {
    const resolved = await next(specifier, context)
    const isSource = /\\.tsx?(\\?|$)/.test(resolved.url) && !resolved.url.includes('/node_modules/')
    return isSource ? { ...resolved, format: 'module' } : resolved
  }
`

async function readTypeScript(): Promise<void> {
  // Imported late, because it takes longer to load than the rest of the command.
  const { register } = await import('tsx/esm/api')
  withoutDeprecations(() => {
    register()
    nodeModule.register(`data:text/javascript,${encodeURIComponent(moduleHooks)}`)
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

function pipelineIn(file: string, exported: Readonly<Record<string, unknown>>): Pipeline {
  if (isPipeline(exported['default'])) return exported['default']
  const named = Object.keys(exported).filter((name) => isPipeline(exported[name]))
  if (named.length > 1) {
    throw invalid(
      `${file} exports ${named.length} pipelines (${named.join(', ')}) and none by default. Put each into its own file and export it with 'export default'`,
    )
  }
  if (named.length === 1) {
    throw invalid(
      `${file} exports its pipeline as '${named[0]}'. Export it with 'export default ${named[0]}'`,
    )
  }
  const what = 'default' in exported ? 'its default export is not a pipeline' : 'it has no default export'
  throw invalid(`${file}: ${what}. Write export default pipeline('name', (p) => { ... })`)
}

function unloadable(file: string, error: unknown): MillraceError {
  const code = (error as { code?: unknown } | undefined)?.code
  const missing = /Cannot find package '([^']+)'/.exec(String(error))?.[1]
  const advice =
    code === 'ERR_MODULE_NOT_FOUND' && missing !== undefined
      ? `; install it where the file is: npm install ${missing}`
      : ''
  return new MillraceError('GRAPH_INVALID', `${file} cannot be loaded: ${describeError(error)}${advice}`, {
    cause: error,
  })
}

function invalid(message: string): MillraceError {
  return new MillraceError('GRAPH_INVALID', message)
}
