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
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { setTimeout as delay } from 'node:timers/promises'
import { services, type ServiceName } from './catalogue.ts'
import type { Place, Service } from './definition.ts'
import { programOf, type Program } from './program.ts'

const run = promisify(execFile)

/** A server that runs. */
export interface RunningService {
  readonly url: string
  /** All ports of its first process, and where it keeps its data; none for a server of the environment. */
  readonly ports: readonly number[]
  readonly directory: string
  /** Its processes; none for a server of the environment. */
  readonly members: readonly RunningMember[]
  /** Kills the server without warning and starts it again with what it has on disk. Undefined for one of the environment. */
  readonly restart: (() => Promise<void>) | undefined
  stop(): Promise<void>
}

/** A process of a server. */
export interface RunningMember {
  readonly url: string
  /** All its ports. */
  readonly ports: readonly number[]
  /** Kills it without warning. */
  kill(): Promise<void>
  /** Starts it again with what it has on disk. */
  start(): Promise<void>
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
      members: [],
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
  const places = await placesOf(wanted, program, directory)
  const members = places.map((place) => new Member(wanted, program, place))
  const all = (action: 'prepare' | 'start' | 'kill'): Promise<unknown> =>
    Promise.all(members.map((member) => member[action]()))
  await all('prepare')
  await all('start')
  return {
    url: members.map(({ url }) => url).join(','),
    ports: members[0]!.place.ports,
    directory: members[0]!.place.directory,
    members,
    restart: async () => {
      await all('kill')
      await all('start')
    },
    stop: async () => {
      await all('kill')
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Gives each process of a server ports and, below `directory`, a directory of its own. */
async function placesOf(
  { members = 1, ports = 1 }: Service,
  { jars }: Program,
  directory: string,
): Promise<readonly Place[]> {
  const free = await Promise.all(Array.from({ length: members * ports }, freePort))
  const portsOfAll = Array.from({ length: members }, (_, at) => free.slice(at * ports, (at + 1) * ports))
  return portsOfAll.map((own, at) => ({
    member: at + 1,
    portsOfAll,
    port: own[0]!,
    ports: own,
    directory: members === 1 ? directory : path.join(directory, String(at + 1)),
    jars,
  }))
}

class Member implements RunningMember {
  readonly url: string
  readonly ports: readonly number[]
  readonly place: Place
  readonly #wanted: Service
  readonly #program: Program
  #shell: ChildProcess | undefined

  constructor(wanted: Service, program: Program, place: Place) {
    this.#wanted = wanted
    this.#program = program
    this.place = place
    this.url = wanted.url(place.port)
    this.ports = place.ports
  }

  async prepare(): Promise<void> {
    const { file, libraries } = this.#program
    const env = { ...process.env, LD_LIBRARY_PATH: libraries }
    await mkdir(this.place.directory, { recursive: true })
    await this.#wanted.prepare?.(this.place, async (args) => void (await run(file, args, { env })))
  }

  async start(): Promise<void> {
    this.#shell ??= await launch(this.#wanted, this.#program, this.place)
  }

  async kill(): Promise<void> {
    const shell = this.#shell
    this.#shell = undefined
    if (shell !== undefined) await kill(shell)
  }
}

async function launch(wanted: Service, { file, libraries }: Program, place: Place): Promise<ChildProcess> {
  // The shell kills the server when its own input ends, as it does when the process that started it is gone. It ends after the
  // server, whose port is free then: a server that is still writing to its disk keeps the port, and the next one could not start.
  const script = '"$@" & server=$!; cat > /dev/null; kill -9 $server; wait $server'
  const env = { ...process.env, LD_LIBRARY_PATH: libraries }
  const own = wanted.script === undefined ? [] : ['sh', '-c', wanted.script, 'sh']
  const shell = spawn('sh', ['-c', script, 'sh', ...own, file, ...wanted.arguments(place)], {
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
