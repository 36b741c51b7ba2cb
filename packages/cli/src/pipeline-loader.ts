import { stat } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { describeError, isMillraceError, MillraceError } from '@millrace/core'
import { isPipeline, type Pipeline } from '@millrace/flow'
import { importPipelineFile } from './import-pipeline-file.ts'

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
  try {
    return pipelineIn(file, await importPipelineFile(pathToFileURL(resolved).href))
  } catch (error) {
    throw isMillraceError(error) ? error : unloadable(file, error)
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
