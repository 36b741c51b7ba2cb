import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readlink, rm, symlink } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { cached } from './cache.ts'
import type { Installable } from './definition.ts'
import { fetchArtifacts } from './maven.ts'

const run = promisify(execFile)

/** A program that can be started. */
export interface Program {
  readonly file: string
  /** Directories of shared libraries, as `LD_LIBRARY_PATH` has them. */
  readonly libraries: string
  /** The directory of what Maven has fetched; '' if the server needs none of it. */
  readonly jars: string
}

/** Where the program is: on the path, in the cache, or in the cache after it was fetched. */
export async function programOf(wanted: Installable): Promise<Program> {
  const jars = wanted.artifacts === undefined ? '' : await fetchArtifacts(wanted.name, wanted.artifacts)
  for (const directory of (process.env['PATH'] ?? '').split(path.delimiter)) {
    const file = path.join(directory, wanted.program)
    if (existsSync(file)) return { file, libraries: process.env['LD_LIBRARY_PATH'] ?? '', jars }
  }
  const root = await cached(wanted.name, (work) => unpackPackages(wanted, work))
  const files = await readdir(root, { recursive: true })
  const program = files.find(
    (file) =>
      file === wanted.file || (/(^|\/)s?bin\/[^/]+$/.test(file) && path.basename(file) === wanted.program),
  )
  if (program === undefined) throw new Error(`its packages have no ${wanted.program}; remove ${root}`)
  const libraries = new Set(
    files.filter((file) => file.includes('.so')).map((file) => path.join(root, path.dirname(file))),
  )
  return { file: path.join(root, program), libraries: [...libraries].join(':'), jars }
}

/** Fetches Debian packages and unpacks them into `root` of a directory, which it returns. */
export async function unpackPackages(wanted: Installable, work: string): Promise<string> {
  await download(wanted, work)
  const unpacked = path.join(work, 'root')
  for (const file of await readdir(work)) {
    if (file.endsWith('.deb')) await run('dpkg-deb', ['-x', path.join(work, file), unpacked])
  }
  await keepLinksInside(unpacked)
  return unpacked
}

/** Makes absolute links, such as those to files in `/etc`, lead to the same place among what was unpacked. */
async function keepLinksInside(root: string): Promise<void> {
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue
    const link = path.join(entry.parentPath, entry.name)
    const target = await readlink(link)
    const inside = path.join(root, target)
    if (!path.isAbsolute(target) || !existsSync(inside)) continue
    await rm(link)
    await symlink(path.relative(entry.parentPath, inside), link)
  }
}

/** Downloads packages into a directory; if the machine has no lists of packages, with lists of its own. */
async function download(wanted: Installable, directory: string): Promise<void> {
  try {
    await fetchWith([], wanted, directory)
  } catch {
    const lists = path.join(directory, 'lists')
    await mkdir(path.join(lists, 'partial'), { recursive: true })
    const options = [
      '-o',
      `Dir::State::Lists=${lists}`,
      '-o',
      `Dir::Cache=${directory}`,
      '-o',
      'Debug::NoLocking=1',
    ]
    await run('apt-get', [...options, 'update'], { cwd: directory })
    await fetchWith(options, wanted, directory)
  }
}

async function fetchWith(options: readonly string[], wanted: Installable, directory: string): Promise<void> {
  const packages = wanted.withDependencies ? await lacking(options, wanted.packages) : wanted.packages
  await run('apt-get', [...options, 'download', ...packages], { cwd: directory })
}

/** The packages, and those of their dependencies that are not installed. Nothing is installed: apt only says what it would. */
async function lacking(options: readonly string[], packages: readonly string[]): Promise<string[]> {
  const command = [...options, '-o', 'Debug::NoLocking=1', 'install', '--simulate', '--no-install-recommends']
  const { stdout } = await run('apt-get', [...command, ...packages])
  return [...stdout.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name!)
}
