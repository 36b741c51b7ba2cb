/** Programs with one line of their source changed: built beside the sources, which stay as they are, and run. */
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { execPath } from 'node:process'
import { build } from 'vite'

/** A text in a source file and its replacement: a bug that a person could write. */
export interface ChangedLine {
  /** Relative to the root of the sources. */
  readonly file: string
  /** Occurs exactly once in the file. */
  readonly from: string
  readonly to: string
}

/** What to build, and where. */
interface MutantOptions {
  /** The directory that files of changes are relative to. */
  readonly root: string
  /** The program: it prints `{ "broken": "what is wrong" }` or `{ "broken": null }` as its last line. */
  readonly entry: string
  /** Where the built program goes. */
  readonly directory: string
}

/**
 * The source of a file with the change made.
 *
 * @throws Error unless the text to change occurs there exactly once.
 */
export async function changedSource(root: string, { file, from, to }: ChangedLine): Promise<string> {
  const source = await readFile(path.join(root, file), 'utf8')
  const found = source.split(from).length - 1
  if (found !== 1) throw new Error(`${file} has ${found} times: ${from}`)
  return source.replace(from, () => to)
}

/**
 * Builds a program with the change made while it is bundled; returns its path.
 *
 * @throws Error when the file is not part of the program, or as `changedSource`.
 */
export async function buildMutant(
  change: ChangedLine,
  { root, entry, directory }: MutantOptions,
): Promise<string> {
  const changed = path.join(root, change.file)
  const source = await changedSource(root, change)
  let isMet = false
  const load = (id: string): string | undefined => {
    if (path.resolve(id) !== path.resolve(changed)) return undefined
    isMet = true
    return source
  }
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    plugins: [{ name: 'mutate', enforce: 'pre', load }],
    ssr: { noExternal: true, resolve: { conditions: ['@millrace/source'] } },
    build: {
      ssr: path.resolve(entry),
      outDir: directory,
      emptyOutDir: false,
      target: 'node20',
      minify: false,
    },
  })
  if (!isMet) throw new Error(`${change.file} is not part of the program`)
  return path.join(directory, `${path.basename(entry, path.extname(entry))}.js`)
}

/**
 * Runs a built program in its own process; returns what it found broken, or undefined. Kills it after `limitMs`.
 *
 * @throws Error when it ends without a verdict.
 */
export function runMutant(
  program: string,
  args: readonly string[],
  limitMs: number,
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'], timeout: limitMs })
    let output = ''
    let errors = ''
    child.stdout.on('data', (data: Buffer) => (output += data.toString()))
    child.stderr.on('data', (data: Buffer) => (errors += data.toString()))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      const last = output.trimEnd().split('\n').at(-1)!
      if (code === 0 && last.startsWith('{'))
        resolve((JSON.parse(last) as { broken: string | null }).broken ?? undefined)
      else reject(new Error(`the trial ended with ${signal ?? code} and no verdict: ${errors.slice(-2_000)}`))
    })
  })
}
