/**
 * Servers for tests: `const redis = await service('redis')`.
 *
 * An address in the environment wins. Otherwise the program of this machine is started on a free port of loopback, with
 * a directory of its own; where there is none, it is taken from the packages of Debian once, into a cache in the user's
 * home. No rights are needed, and nothing is installed.
 *
 * A server dies with the process that has started it, also if that is killed.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readlink, rm, symlink } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { setTimeout as delay } from 'node:timers/promises'
import { cached } from './cache.ts'
import { services, type ServiceName } from './catalogue.ts'
import type { Place, Service } from './definition.ts'
import { fetchArtifacts } from './maven.ts'

const run = promisify(execFile)

/** A server that runs. */
export interface RunningService {
  readonly url: string
  /** All its ports, and where it keeps its data; none for a server of the environment. */
  readonly ports: readonly number[]
  readonly directory: string
  /** Kills the server without warning and starts it again with what it has on disk. Undefined for one of the environment. */
  readonly restart: (() => Promise<void>) | undefined
  stop(): Promise<void>
}

/** A server, or why there is none. */
export type ServiceOutcome = RunningService | { readonly missing: string }

/**
 * Starts a server, or says why it cannot. In CI (`CI=true`) it throws then: a test that is skipped there proves nothing.
 *
 * @example
 * const redis = await service('redis')
 * describe.skipIf('missing' in redis)('redis', () => {})
 */
export async function service(name: ServiceName): Promise<ServiceOutcome> {
  const wanted: Service = services[name]
  const given = process.env[wanted.variable]
  if (given !== undefined) {
    return {
      url: given,
      ports: [],
      directory: '',
      restart: undefined,
      stop: () => Promise.resolve(),
    }
  }
  try {
    return await start(wanted, await programOf(wanted))
  } catch (error) {
    const missing = `${name} cannot be started: ${error instanceof Error ? error.message : String(error)}; set ${wanted.variable} to the address of one`
    if (process.env['CI'] === 'true') throw new Error(missing, { cause: error })
    process.stderr.write(`skipped: ${missing}\n`)
    return { missing }
  }
}

async function start(wanted: Service, program: Program): Promise<RunningService> {
  const directory = await mkdtemp(path.join(tmpdir(), `millrace-${wanted.name}-`))
  const ports = await Promise.all(Array.from({ length: wanted.ports ?? 1 }, freePort))
  const place: Place = { port: ports[0]!, ports, directory, jars: program.jars }
  const env = { ...process.env, LD_LIBRARY_PATH: program.libraries }
  await wanted.prepare?.(place, async (args) => void (await run(program.file, args, { env })))
  let server = await launch(wanted, program, place)
  return {
    url: wanted.url(place.port),
    ports,
    directory,
    restart: async () => {
      await kill(server)
      server = await launch(wanted, program, place)
    },
    stop: async () => {
      await kill(server)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function launch(wanted: Service, { file, libraries }: Program, place: Place): Promise<ChildProcess> {
  // The shell kills the server when its own input ends, as it does when the process that started it is gone.
  const script = '"$@" & server=$!; cat > /dev/null; kill -9 $server'
  const env = { ...process.env, LD_LIBRARY_PATH: libraries }
  const shell = spawn('sh', ['-c', script, 'sh', file, ...wanted.arguments(place)], {
    env,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  for (let tries = 0; tries < 1_200; tries++) {
    if (await wanted.answers(place.port)) return shell
    await delay(50)
  }
  await kill(shell)
  throw new Error(`${file} does not answer on port ${place.port}`)
}

async function kill(shell: ChildProcess): Promise<void> {
  if (shell.exitCode !== null) return
  const gone = new Promise((resolve) => shell.once('exit', resolve))
  shell.stdin?.end()
  await gone
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

/** A program that can be started. */
export interface Program {
  readonly file: string
  /** Directories of shared libraries, as `LD_LIBRARY_PATH` has them. */
  readonly libraries: string
  /** The directory of what Maven has fetched; '' if the server needs none of it. */
  readonly jars: string
}

/** Where the program is: on the path, in the cache, or in the cache after it was fetched. */
export async function programOf(wanted: Service): Promise<Program> {
  const jars = wanted.artifacts === undefined ? '' : await fetchArtifacts(wanted.name, wanted.artifacts)
  for (const directory of (process.env['PATH'] ?? '').split(path.delimiter)) {
    const file = path.join(directory, wanted.program)
    if (existsSync(file)) return { file, libraries: process.env['LD_LIBRARY_PATH'] ?? '', jars }
  }
  const root = await cached(wanted.name, (work) => fetchPackages(wanted, work))
  const files = await readdir(root, { recursive: true })
  const program = files.find(
    (file) => /(^|\/)s?bin\/[^/]+$/.test(file) && path.basename(file) === wanted.program,
  )
  if (program === undefined) throw new Error(`its packages have no ${wanted.program}; remove ${root}`)
  const libraries = new Set(
    files.filter((file) => file.includes('.so')).map((file) => path.join(root, path.dirname(file))),
  )
  return { file: path.join(root, program), libraries: [...libraries].join(':'), jars }
}

/** Unpacks Debian packages into `root` of a directory. */
async function fetchPackages(wanted: Service, work: string): Promise<string> {
  await download(wanted.packages, work)
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
async function download(packages: readonly string[], directory: string): Promise<void> {
  const command = ['download', ...packages]
  try {
    await run('apt-get', command, { cwd: directory })
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
    await run('apt-get', [...options, ...command], { cwd: directory })
  }
}
