import { execFile } from 'node:child_process'
import { copyFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { dockerDaemon } from '../../../scripts/services/docker.ts'
import { nodeImage } from '../../../scripts/services/node-image.ts'
import { npmRegistry, type NpmRegistry } from '../../../scripts/services/npm-registry.ts'
import { commandsIn } from './document-commands.ts'
import { packPackages } from '../../../scripts/services/packed-packages.ts'

const root = path.resolve(import.meta.dirname, '../../..')
const run = promisify(execFile)
const outcome = await dockerDaemon()
const token = 'operator-token-0123'
const port = 9090

interface Service {
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly ports: readonly string[]
  readonly volumes: readonly string[]
  readonly stop_grace_period: string
  readonly read_only: boolean
  readonly tmpfs: readonly string[]
  readonly cap_drop: readonly string[]
  readonly security_opt: readonly string[]
  readonly build: object
  readonly restart: string
}

interface Pod {
  readonly terminationGracePeriodSeconds: number
  readonly securityContext: { readonly runAsUser: number; readonly runAsGroup: number }
  readonly containers: readonly {
    readonly args: readonly string[]
    readonly readinessProbe: { readonly httpGet: { readonly path: string } }
    readonly livenessProbe: { readonly httpGet: { readonly path: string } }
    readonly securityContext: {
      readonly readOnlyRootFilesystem: boolean
      readonly capabilities: { readonly drop: readonly string[] }
    }
    readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
  }[]
}

/** The daemon, and a project of `create-millrace` with the files of `deploy` beside it. */
class Deployment {
  readonly directory: string
  readonly #daemon = outcome as Exclude<typeof outcome, { readonly missing: string }>
  #registry: NpmRegistry | undefined

  constructor(directory: string) {
    this.directory = directory
  }

  /** Runs a command as a user would, beside the Dockerfile. */
  async shell(command: string): Promise<string> {
    const { stdout, stderr } = await run('bash', ['-euc', command], {
      cwd: this.directory,
      env: this.#daemon.env,
    })
    return stdout + stderr
  }

  async docker(...args: readonly string[]): Promise<string> {
    return (await run('docker', args, { cwd: this.directory, env: this.#daemon.env })).stdout
  }

  /** Runs a program where containers are reached. */
  async inNetwork(...command: readonly string[]): Promise<string> {
    const [program, ...before] = this.#daemon.inNetwork
    return (await run(program!, [...before, ...command], { cwd: this.directory, env: this.#daemon.env }))
      .stdout
  }

  /** Makes the project, its lock file and the base image. */
  async prepare(): Promise<void> {
    await cp(path.join(root, 'packages/create-millrace/template'), this.directory, { recursive: true })
    for (const name of ['Dockerfile', '.dockerignore'])
      await copyFile(path.join(root, 'deploy', name), path.join(this.directory, name))
    await rm(`${this.directory}/input`, { recursive: true })
    await this.shell("mkdir input; echo 'a b' > input/first.txt; echo SECRET=hunter2 > .env")
    const manifest = `${this.directory}/package.json`
    const project = JSON.parse(await readFile(manifest, 'utf8')) as Record<string, Record<string, string>>
    const dependencies = { ...project['dependencies'], '@millrace/dashboard': '^0.1.0' }
    const devDependencies = { typescript: '*' }
    await writeFile(manifest, JSON.stringify({ ...project, dependencies, devDependencies }))
    const packed = await mkdtemp(path.join(os.tmpdir(), 'millrace-packed-'))
    await packPackages(packed, Object.keys({ ...dependencies, ...devDependencies }))
    this.#registry = await npmRegistry(this.#daemon, packed)
    const registry = this.#registry.url
    const options = [
      '--package-lock-only',
      '--no-audit',
      '--no-fund',
      '--prefer-online',
      '--registry',
      registry,
    ]
    await this.inNetwork('npm', 'install', '--cache', `${packed}/cache`, ...options)
    await nodeImage(this.#daemon, registry)
  }

  /** Resolves when the log of a container has a line that matches. */
  async says(container: string, pattern: RegExp): Promise<void> {
    while (!pattern.test(await this.shell(`docker logs ${container}`))) {
      const state = (await this.docker('inspect', '--format', '{{.State.Status}}', container)).trim()
      if (state !== 'running')
        throw new Error(`it is ${state}: ${await this.shell(`docker logs ${container}`)}`)
      await delay(200)
    }
  }

  /** What a program of the image prints that sees the volume. */
  async inVolume(volume: string, ...command: readonly string[]): Promise<string> {
    const [program, ...args] = command
    return this.docker(
      'run',
      '--rm',
      '--volume',
      `${volume}:/data`,
      '--entrypoint',
      program!,
      'words',
      ...args,
    )
  }

  async close(): Promise<void> {
    this.#registry?.stop()
    await this.#daemon.stop()
    await rm(this.directory, { recursive: true, force: true })
  }
}

/** Stops a container as its supervisor does, and expects what a stop promises. */
async function expectCleanStop(of: Deployment, container: string, seconds: number): Promise<void> {
  await of.docker('stop', '--time', String(seconds), container)
  expect(await of.docker('inspect', '--format', '{{.State.ExitCode}}', container)).toBe('0\n')
  expect(await of.shell(`docker logs ${container}`)).toContain('"event":"stopped"')
}

/** The options of `docker run` that mean what a service of a compose file says. Throws for a key that it does not know. */
function optionsOfService(service: Service): readonly string[] {
  return (Object.keys(service) as (keyof Service)[]).flatMap((key): readonly string[] => {
    switch (key) {
      case 'environment':
        return Object.keys(service.environment).flatMap((name) => ['--env', `${name}=${token}`])
      case 'ports':
        return service.ports.flatMap((mapping) => ['--publish', mapping])
      case 'volumes':
        return service.volumes.flatMap((volume) => ['--volume', volume.replace(/^\.\//, '$PWD/')])
      case 'read_only':
        return service.read_only ? ['--read-only'] : []
      case 'tmpfs':
        return service.tmpfs.flatMap((place) => ['--tmpfs', place])
      case 'cap_drop':
        return service.cap_drop.flatMap((name) => ['--cap-drop', name])
      case 'security_opt':
        return service.security_opt.flatMap((option) => ['--security-opt', option])
      case 'restart':
        return ['--restart', service.restart]
      case 'build':
      case 'command':
      case 'stop_grace_period':
        return []
      default:
        throw new Error(`no option of docker run is known for ${String(key)}`)
    }
  })
}

/** The same for the container of a pod. */
function optionsOfPod({ securityContext, containers: [container] }: Pod): readonly string[] {
  const { readOnlyRootFilesystem, capabilities } = container!.securityContext
  return [
    '--user',
    `${securityContext.runAsUser}:${securityContext.runAsGroup}`,
    ...(readOnlyRootFilesystem ? ['--read-only'] : []),
    ...capabilities.drop.flatMap((name) => ['--cap-drop', name]),
    '--security-opt=no-new-privileges:true',
    ...container!.volumeMounts.flatMap(({ name, mountPath }) =>
      name === 'tmp' ? ['--tmpfs', mountPath] : ['--volume', `pod-${name}:${mountPath}`],
    ),
    `--env=MILLRACE_CONTROL_TOKEN=${token}`,
  ]
}

describe.skipIf('missing' in outcome)('in containers', () => {
  let place: Deployment

  beforeAll(async () => {
    place = new Deployment(await mkdtemp(path.join(os.tmpdir(), 'millrace-deploy-')))
    await place.prepare()
  })

  afterAll(() => place?.close())

  test('the commands of deploy.md build an image, run it, stop it with a checkpoint, and resume', async () => {
    const commands = (await commandsIn('docs/operating/deploy.md')).filter((each) =>
      each.startsWith('docker '),
    )
    expect(commands.map((command) => command.split(' ')[1])).toEqual([
      'build',
      'run',
      'logs',
      'stop',
      'start',
    ])
    const [build, start, logs, stop, again] = commands as [string, string, string, string, string]
    await place.shell(build)
    await place.shell(start)
    await place.says('words', /"event":"checkpoint/)
    expect(await place.shell(logs)).toMatch(/"event":"started"/)
    // Node itself is process 1, and has no rights.
    const first = await place.docker('exec', 'words', 'cat', '/proc/1/cmdline')
    expect(first.split('\0').slice(0, 2)).toEqual(['node', 'node_modules/millrace/bin/millrace.js'])
    expect(await place.docker('exec', 'words', 'id', '-u')).toBe('1000\n')
    const files = await place.docker('exec', 'words', 'ls', '-a', '.', 'node_modules')
    expect(files).toMatch(/^@millrace$/m)
    expect(files).not.toMatch(/^(?:typescript|\.env)$/m)

    await place.shell(stop)
    expect(await place.docker('inspect', '--format', '{{.State.ExitCode}}', 'words')).toBe('0\n')
    expect(await place.shell(logs)).toContain('"event":"stopped"')
    await writeFile(`${place.directory}/input/second.txt`, 'a\n')
    await place.shell(again)
    await place.says('words', /from checkpoint \d+/)
    const wanted = '{"key":"a","value":1}\n{"key":"b","value":1}\n{"key":"a","value":2}\n'
    while ((await place.inVolume('words-data', 'cat', '/data/out/counts.ndjson')) !== wanted) await delay(200)
    await expectCleanStop(place, 'words', 45)
    await place.docker('rm', 'words')
  })

  test('what compose.yaml runs serves the dashboard, with a token, and writes to its volume only', async () => {
    const text = await readFile(path.join(root, 'deploy/compose.yaml'), 'utf8')
    const service = (parse(text) as { readonly services: { readonly words: Service } }).services.words
    const options = optionsOfService(service).map((each) => each.replace('$PWD', place.directory))
    const name = ['--detach', '--name', 'composed']
    await place.docker('run', ...name, ...options, 'words', ...service.command)
    await place.says('composed', /"event":"checkpoint/)
    const url = `http://127.0.0.1:${port}`
    const status = (...args: string[]): Promise<string> =>
      place.inNetwork('curl', '--silent', '--output', '/dev/null', '--write-out', '%{http_code}', ...args)
    expect(await status(`${url}/readyz`)).toBe('200')
    expect(await status(`${url}/api/jobs`)).toBe('401')
    const page = await place.inNetwork('curl', '--silent', '--header', `authorization: Bearer ${token}`, url)
    expect(page).toContain('<script type="module"')
    await expectCleanStop(place, 'composed', Number.parseInt(service.stop_grace_period, 10))
    expect(await place.inVolume('words-data', 'ls', '/data')).toBe('millrace\nout\n')
    await place.docker('rm', 'composed')
  })

  test('what the StatefulSet runs is alive and ready under the address of its pod, and stops with a checkpoint', async () => {
    const text = await readFile(path.join(root, 'deploy/kubernetes/words.yaml'), 'utf8')
    const [stateful] = parseAllDocuments(text).map((document) => document.toJS() as object)
    const pod = (stateful as { readonly spec: { readonly template: { readonly spec: Pod } } }).spec.template
      .spec
    const [container] = pod.containers
    await place.docker('run', '--detach', '--name', 'pod', ...optionsOfPod(pod), 'words', ...container!.args)
    await place.says('pod', /"event":"checkpoint/)
    const format = '{{.NetworkSettings.IPAddress}}'
    const address = (await place.docker('inspect', '--format', format, 'pod')).trim()
    for (const { httpGet } of [container!.readinessProbe, container!.livenessProbe])
      await place.inNetwork('curl', '--silent', '--fail', `http://${address}:${port}${httpGet.path}`)
    await expectCleanStop(place, 'pod', pod.terminationGracePeriodSeconds)
    // Its input is what the image has.
    const counts = await place.inVolume('pod-data', 'cat', '/data/out/counts.ndjson')
    expect(counts).toBe('{"key":"a","value":1}\n{"key":"b","value":1}\n')
    await place.docker('rm', 'pod')
  })
})
