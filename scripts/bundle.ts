import { cpSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { build } from 'esbuild'

interface Manifest {
  readonly exports?: Readonly<Record<string, string | { readonly default: string }>>
}

/**
 * Copies a built package from `from` to `to`, and joins its JavaScript into one file for each entry and those that entries
 * share. A program then opens 40 files instead of 460, which saves half of the time that the command takes to start.
 *
 * Modules that find other files beside them keep their places, so their package is copied as it is.
 */
export async function bundlePackage(from: string, to: string): Promise<void> {
  cpSync(from, to, { recursive: true, filter: (file) => path.basename(file) !== 'node_modules' })
  const { exports = {} } = JSON.parse(readFileSync(path.join(from, 'package.json'), 'utf8')) as Manifest
  const entries = Object.values(exports).flatMap((entry) =>
    typeof entry === 'object' ? [entry.default] : [],
  )
  const dist = path.join(to, 'dist')
  if (entries.length === 0 || findsFilesBesideIt(path.join(from, 'src'))) return
  for (const file of filesIn(dist)) if (/\.js(\.map)?$/.test(file)) rmSync(file)
  await build({
    entryPoints: entries.map((entry) => path.join(from, entry)),
    outdir: dist,
    outbase: path.join(from, 'dist'),
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'error',
  })
}

/** Whether some module loads another by its place. The names of directories stay right for modules at the top of `src`. */
function findsFilesBesideIt(sources: string): boolean {
  return filesIn(sources).some((file) => {
    if (/\.test(-d)?\.ts$/.test(file)) return false
    const text = readFileSync(file, 'utf8')
    const isAtTop = path.dirname(file) === sources
    return (
      /= import\.meta\.url|(?:new URL|resolve)\([^;]*import\.meta\.url/.test(text) ||
      (!isAtTop && /import\.meta\.(?:dir|file)name/.test(text))
    )
  })
}

function filesIn(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
}
