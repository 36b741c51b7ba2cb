import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { spawnSync } from 'node:child_process'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import * as apps from 'kubernetes-models/apps/v1'
import * as policy from 'kubernetes-models/policy/v1'
import * as core from 'kubernetes-models/v1'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { Command, project, scratch } from './command.ts'
import { commandsIn, shell } from './document-commands.ts'

const root = path.resolve(import.meta.dirname, '../../..')
const read = (name: string): Promise<string> => readFile(path.join(root, name), 'utf8')

interface Resource {
  readonly kind: string
  readonly spec: {
    readonly template?: {
      readonly spec: {
        readonly terminationGracePeriodSeconds: number
        readonly containers: readonly { readonly args: readonly string[] }[]
      }
    }
  }
}

interface Named {
  readonly metadata: { readonly name: string }
  readonly spec: { readonly clusterIP?: string; readonly publishNotReadyAddresses?: boolean }
}

interface Probe {
  readonly httpGet: { readonly path: string }
}

interface Workers {
  readonly spec: {
    readonly serviceName: string
    readonly template: {
      readonly spec: {
        readonly containers: readonly {
          readonly args: readonly string[]
          readonly env: readonly { readonly name: string; readonly valueFrom: object }[]
          readonly ports: readonly { readonly containerPort: number }[]
          readonly startupProbe: Probe
          readonly readinessProbe: Probe
          readonly livenessProbe: Probe
        }[]
      }
    }
  }
}

interface Compose {
  readonly services: {
    readonly words: { readonly command: readonly string[]; readonly stop_grace_period: string }
  }
}

const kinds = {
  ...apps,
  ...core,
  ...policy,
} as unknown as Readonly<Record<string, new (json: object) => { validate(): void }>>

function resourcesIn(text: string): readonly Resource[] {
  return parseAllDocuments(text).map((document) => document.toJS() as Resource)
}

function validate(resource: Resource): void {
  new kinds[resource.kind]!(resource).validate()
}

/** The options of `millrace run` in a command line. */
const optionsOf = (commandLine: string): readonly string[] => commandLine.match(/(?<=\s)--[a-z-]+/g) ?? []

describe('the files in deploy', () => {
  test('the manifests fit the schema of Kubernetes', async () => {
    const resources = resourcesIn(await read('deploy/kubernetes/words.yaml'))
    for (const resource of resources) validate(resource)
    expect(resources.map(({ kind }) => kind)).toEqual(['StatefulSet', 'Service', 'PodDisruptionBudget'])
    const [stateful] = resources
    const workers = resourcesIn(await read('deploy/kubernetes/orders.yaml'))
    for (const resource of workers) validate(resource)
    expect(workers.map(({ kind }) => kind)).toEqual([
      'StatefulSet',
      'Service',
      'Service',
      'PodDisruptionBudget',
    ])
    expect(() => validate({ ...stateful!, spec: { ...stateful!.spec, replicas: 'one' } as never })).toThrow(
      'replicas',
    )
  })

  test('every command line has only options of `millrace run`, and more time than a stop takes', async () => {
    const { out: help } = await new Command(['run', '--help']).ended
    const { services } = parse(await read('deploy/compose.yaml')) as Compose
    const pod = resourcesIn(await read('deploy/kubernetes/words.yaml'))[0]!.spec.template!.spec
    const worker = resourcesIn(await read('deploy/kubernetes/orders.yaml'))[0]!.spec.template!.spec
    const unit = await read('deploy/words.service')
    const program = 'node_modules/millrace/bin/millrace.js run'
    const entry = /^ENTRYPOINT .*$/m.exec(await read('deploy/Dockerfile'))![0]
    const started = /^ExecStart=.*$/m.exec(unit)![0]
    for (const commandLine of [entry, started]) {
      expect(commandLine).toContain(program)
      expect(optionsOf(commandLine)).toContain('--data-dir')
    }
    // What compose and Kubernetes have are options for the entry point of the image.
    const commands = [services.words.command, pod.containers[0]!.args, worker.containers[0]!.args]
    const added = commands.map((words) => ` ${words.join(' ')}`)
    for (const commandLine of [entry, started, ...added]) {
      const options = optionsOf(commandLine)
      expect(options.length).toBeGreaterThan(1)
      expect(options.filter((option) => !help.includes(option))).toEqual([])
    }
    const stopSeconds = Number(/how long to wait for the job to stop \(default (\d+)s\)/.exec(help)![1])
    const graces = [
      services.words.stop_grace_period,
      pod.terminationGracePeriodSeconds,
      worker.terminationGracePeriodSeconds,
      /^TimeoutStopSec=(\d+)$/m.exec(unit)![1],
    ].map((grace) => Number.parseInt(String(grace), 10))
    expect(Math.min(...graces)).toBeGreaterThan(stopSeconds)
  })

  test('a worker in Kubernetes is named after its pod, and is asked by the name that its service gives the pod', async () => {
    const [stateful, headless, any] = resourcesIn(
      await read('deploy/kubernetes/orders.yaml'),
    ) as readonly object[] as readonly [Workers, Named, Named]
    const [container] = stateful.spec.template.spec.containers
    expect(container!.env.find(({ name }) => name === 'POD_NAME')?.valueFrom).toEqual({
      fieldRef: { fieldPath: 'metadata.name' },
    })
    const { serviceName } = stateful.spec
    expect(serviceName).toBe(headless.metadata.name)
    expect(headless.spec).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true })
    expect(any.spec.clusterIP).toBeUndefined()
    const port = container!.ports[0]!.containerPort
    expect(container!.args).toEqual(
      expect.arrayContaining([
        '--worker-name=$(POD_NAME)',
        `--control=0.0.0.0:${port}`,
        `--control-address=http://$(POD_NAME).${serviceName}:${port}`,
      ]),
    )
    const probes = [container!.startupProbe, container!.readinessProbe, container!.livenessProbe]
    expect(probes.map(({ httpGet }) => httpGet.path)).toEqual(['/readyz', '/readyz', '/livez'])
  })

  test('systemd does not restart after the exit codes that ask for a person', async () => {
    const unit = await read('deploy/words.service')
    const said = /after ([\d, \nand]+) a person has to change/.exec(
      await read('docs/operating/exit-codes.md'),
    )![1]!
    expect(/^RestartPreventExitStatus=(.*)$/m.exec(unit)![1]!.split(' ')).toEqual(said.match(/\d+/g))
  })

  test('what systemd starts writes to its state directory only, and ends with 0 on SIGTERM', async () => {
    const unit = await read('deploy/words.service')
    const state = await scratch()
    const words = await read('packages/create-millrace/template/words.ts')
    const directory = await project({ 'words.ts': words, 'input/a.txt': 'a b\n' })
    const commandLine = /^ExecStart=\/usr\/bin\/node \S+ (.*)$/m.exec(unit)![1]!
    const args = commandLine.replace('9090', '0').replaceAll('/var/lib/words', state).split(' ')
    const job = new Command(args, directory)
    onTestFinished(() => job.kill('SIGKILL'))
    await job.says(/"event":"checkpoint"/)
    job.kill(/^KillSignal=(\w+)$/m.exec(unit)![1] as NodeJS.Signals)
    expect((await job.ended).code).toBe(0)
    expect((await readdir(directory)).toSorted()).toEqual(['input', 'node_modules', 'words.ts'])
    expect(await readFile(`${state}/out/counts.ndjson`, 'utf8')).toBe(
      '{"key":"a","value":1}\n{"key":"b","value":1}\n',
    )
  })

  const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0
  test.skipIf(!hasSystemd)('systemd has nothing to say about the unit', async () => {
    const unit = (await read('deploy/words.service')).replace('/usr/bin/node', process.execPath)
    const said = async (text: string): Promise<string> => {
      const file = path.join(await scratch(), 'words.service')
      await writeFile(file, text)
      const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' })
      return stdout + stderr
    }
    expect(await said(unit)).toBe('')
    expect(await said(unit.replace('RestartSec=', 'RestartSecs='))).toContain('RestartSecs')
  })
})

test('the commands of deploy.md bundle a program, and run the file without node_modules', async () => {
  const program = /^```ts\n([^]*?)^```$/m.exec(await read('docs/operating/deploy.md'))![1]!
  const words = await read('packages/create-millrace/template/words.ts')
  const directory = await project({ 'main.ts': program, 'word-count.ts': words, 'input/a.txt': 'a b\n' })
  const commands = await commandsIn('docs/operating/deploy.md')
  const others = commands.filter((command) => !command.startsWith('docker '))
  expect(others.map((command) => command.split(' ').slice(0, 2).join(' '))).toEqual([
    'npx esbuild',
    'node words.mjs',
  ])
  const [bundle, run] = others as [string, string]
  await shell(bundle, directory)
  await rm(path.join(directory, 'node_modules'))
  await shell(`INPUT='input/*.txt' ${run}`, directory)
  expect(await readFile(path.join(directory, 'out/counts.ndjson'), 'utf8')).toBe(
    '{"key":"a","value":1}\n{"key":"b","value":1}\n',
  )
})

test('a program with its pipeline is one file, which runs without node_modules', async () => {
  const text = await read('docs/operating/deploy.md')
  const program = /^```ts\n([^]*?)^```$/m.exec(text)![1]!
  const directory = await mkdtemp(path.join(os.tmpdir(), 'millrace-bundle-'))
  const words = await read('packages/create-millrace/template/words.ts')
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: root, sourcefile: 'main.ts', loader: 'ts' },
    plugins: [
      {
        name: 'words',
        setup(esbuild) {
          esbuild.onResolve({ filter: /^\.\/word-count\.ts$/ }, () => ({ path: 'words', namespace: 'words' }))
          esbuild.onLoad({ filter: /.*/, namespace: 'words' }, () => ({
            contents: words,
            loader: 'ts',
            resolveDir: root,
          }))
        },
      },
    ],
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    write: false,
  })
  const bundle = outputFiles[0]!.contents
  const said = Number(/about (\d+) kB with gzip/.exec(text)![1])
  const kilobytes = gzipSync(bundle).length / 1_000
  process.stdout.write(
    `the bundle has ${Math.round(bundle.length / 1_000)} kB, ${Math.round(kilobytes)} kB with gzip\n`,
  )
  expect(kilobytes / said).toBeGreaterThan(0.7)
  expect(kilobytes / said).toBeLessThan(1.1)
  await writeFile(path.join(directory, 'words.mjs'), bundle)
  await writeFile(path.join(directory, 'a.txt'), 'a b a\n')
  const ran = spawnSync(process.execPath, ['words.mjs'], {
    cwd: directory,
    encoding: 'utf8',
    env: { ...process.env, INPUT: 'a.txt' },
  })
  expect(ran.stderr).toBe('')
  expect(ran.stdout).toBe('finished\n')
  expect(await readFile(path.join(directory, 'out/counts.ndjson'), 'utf8')).toBe(
    '{"key":"a","value":1}\n{"key":"b","value":1}\n{"key":"a","value":2}\n',
  )
})
