import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { bundlePackage } from '../bundle.ts'

const modules = path.resolve(import.meta.dirname, '../../node_modules')

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** Packs packages into a directory, with everything that they need: those of the workspace as they are published. */
export async function packPackages(target: string, names: readonly string[]): Promise<void> {
  const stages = await mkdtemp(path.join(os.tmpdir(), 'millrace-stages-'))
  const places = new Map<string, Promise<string>>()
  const add = async (name: string, version: string): Promise<void> => {
    if (places.has(name)) return
    const place = path.join(modules, name)
    const stage = path.join(stages, String(places.size))
    if (!existsSync(place)) return void places.set(name, foreign(stage, name, version))
    places.set(name, staged(place, stage))
    const text = await readFile(path.join(place, 'package.json'), 'utf8')
    const { dependencies, optionalDependencies } = JSON.parse(text) as Manifest
    for (const [each, range] of Object.entries({ ...dependencies, ...optionalDependencies }))
      await add(each, range)
  }
  for (const name of names) await add(name, '')
  const options = ['pack', '--silent', '--ignore-scripts', '--pack-destination', target]
  await promisify(execFile)('npm', [...options, ...(await Promise.all(places.values()))])
  await rm(stages, { recursive: true })
}

/** A package of the workspace is bundled, as it is published. */
async function staged(place: string, stage: string): Promise<string> {
  const real = await realpath(place)
  if (real === place) return place
  await bundlePackage(real, stage)
  return stage
}

/** A package that is not installed here is one for another platform: a lock file names it, and no install takes it. */
async function foreign(stage: string, name: string, range: string): Promise<string> {
  await mkdir(stage)
  const version = range.replace(/^[~^]/, '')
  await writeFile(path.join(stage, 'package.json'), JSON.stringify({ name, version, os: ['none'] }))
  return stage
}
