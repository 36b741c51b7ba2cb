import { stat } from 'node:fs/promises'
import nodeModule from 'node:module'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { describeError, MillraceError } from '@millrace/core'
import { isPipeline, type Pipeline } from '@millrace/flow'

/**
 * Loads a pipeline file, TypeScript or JavaScript, and returns what it exports by default.
 *
 * The file and what it imports share this process's module instances, so `millrace` in the file is the very
 * package that runs it. Throws `FS_NOT_FOUND` if there is no such file and `GRAPH_INVALID` if it cannot be
 * loaded or exports no pipeline.
 */
export async function loadPipeline(file: string): Promise<Pipeline> {
  const resolved = path.resolve(file)
  const found = await stat(resolved).catch(() => undefined)
  if (found === undefined) {
    throw new MillraceError(
      'FS_NOT_FOUND',
      `${file}: there is no such file; give the path of a pipeline file`,
    )
  }
  if (!found.isFile()) throw invalid(`${file} is not a file; give the path of a pipeline file`)
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
 * Source files of a project are modules, whatever its package.json says of them: the packages they import are, and
 * `require` would give them a second copy of each.
 */
const moduleHooks = `
  export async function resolve(specifier, context, next) {
    const resolved = await next(specifier, context)
    const isSource = /\\.tsx?(\\?|$)/.test(resolved.url) && !resolved.url.includes('/node_modules/')
    return isSource ? { ...resolved, format: 'module' } : resolved
  }
`

async function readTypeScript(): Promise<void> {
  // Imported late, because it takes longer than everything else that the command loads.
  const { register } = await import('tsx/esm/api')
  withoutDeprecations(() => {
    register()
    nodeModule.register(`data:text/javascript,${encodeURIComponent(moduleHooks)}`)
  })
}

/** Newer lines of Node deprecate `module.register`, which older ones have nothing in place of: that tells users nothing. */
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
      `${file} exports ${named.length} pipelines (${named.join(', ')}) and none by default; give each a file of its own that ends in 'export default'`,
    )
  }
  if (named.length === 1) {
    throw invalid(
      `${file} exports its pipeline as '${named[0]}'; export it with 'export default ${named[0]}'`,
    )
  }
  const what = 'default' in exported ? 'its default export is no pipeline' : 'it has no default export'
  throw invalid(`${file}: ${what}; write export default pipeline('name', (p) => { ... })`)
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
