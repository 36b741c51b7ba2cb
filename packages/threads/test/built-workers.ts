import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

/** What workers load first, and what the tests have them run. */
const modules = ['../src/pool/worker-side.ts', './worker.ts', './waiting-worker.ts'].map(
  (file) => new URL(file, import.meta.url).href,
)

/** The first module of a worker: each address leads to its built module, for which no worker needs a compiler. */
const preload = (built: Readonly<Record<string, string>>): string => `
  import * as module from 'node:module'
  const hook = ${JSON.stringify(`
    const built = ${JSON.stringify(built)}
    export function resolve(specifier, context, next) {
      return Object.hasOwn(built, specifier) ? { url: built[specifier], shortCircuit: true } : next(specifier, context)
    }`)}
  const address = 'data:text/javascript,' + encodeURIComponent(hook)
  if (module.registerHooks === undefined) module.register(address)
  else module.registerHooks(await import(address))
  Object.defineProperty(process.features, 'typescript', { value: 'transform' })`

/**
 * Compiles the modules of workers from source, and resolves to the options of Node with which a worker runs them. A worker
 * that compiles them itself takes ten times as long to start.
 */
export async function builtWorkers(): Promise<readonly string[]> {
  const outdir = await mkdtemp(path.join(tmpdir(), 'millrace-built-workers-'))
  await build({
    entryPoints: modules.map((module) => fileURLToPath(module)),
    outdir,
    outExtension: { '.js': '.ts.mjs' },
    entryNames: '[name]',
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@millrace/source'],
    logLevel: 'error',
  })
  const built = modules.map((module) => {
    const file = path.join(outdir, `${path.basename(module, '.ts')}.ts.mjs`)
    return [module, pathToFileURL(file).href] as const
  })
  return ['--import', `data:text/javascript,${encodeURIComponent(preload(Object.fromEntries(built)))}`]
}
