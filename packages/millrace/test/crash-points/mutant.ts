/**
 * Builds the program of a trial with one line of its source changed, and runs it in a process of its own.
 *
 * Nothing in the sources knows of this: the change is made while they are bundled.
 */
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { execPath } from 'node:process'
import { build, type Plugin } from 'vite'
import type { ChangedLine } from './changed-lines.ts'
import type { PlantedBug } from './planted-bug.ts'

const packages = path.resolve(import.meta.dirname, '../../..')

/** The source of a file with the change made. Throws if the text to change does not stand there exactly once. */
export async function changedSource({ file, from, to }: ChangedLine): Promise<string> {
  const source = await readFile(path.join(packages, file), 'utf8')
  const found = source.split(from).length - 1
  if (found !== 1) throw new Error(`${file} has ${found} times: ${from}`)
  return source.replace(from, () => to)
}

/** Builds a program into `directory`; returns its path. */
export async function buildMutant(change: ChangedLine, directory: string): Promise<string> {
  const changed = path.join(packages, change.file)
  const source = await changedSource(change)
  let isMet = false
  const mutate: Plugin = {
    name: 'mutate',
    enforce: 'pre',
    load: (id) => {
      if (path.resolve(id) !== changed) return undefined
      isMet = true
      return source
    },
  }
  await build({
    root: packages,
    configFile: false,
    logLevel: 'error',
    plugins: [mutate],
    ssr: { noExternal: true, resolve: { conditions: ['@millrace/source'] } },
    build: {
      ssr: path.join(import.meta.dirname, 'mutant-trial.ts'),
      outDir: directory,
      emptyOutDir: false,
      target: 'node20',
      minify: false,
    },
  })
  if (!isMet) throw new Error(`${change.file} is not part of the program`)
  return path.join(directory, 'mutant-trial.js')
}

/** Runs a trial of a program; returns the broken promise that it found, or undefined. Kills it after `limitMs`. */
export function runMutant(
  program: string,
  { trial, near }: Pick<PlantedBug<ChangedLine>, 'trial' | 'near'>,
  limitMs = 120_000,
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(execPath, [program, trial, near.source], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: limitMs,
    })
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
