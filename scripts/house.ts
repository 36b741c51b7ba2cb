/**
 * Which package may import which, which room of core may import which, and which files may import Node's modules.
 *
 * `tidy.test.ts` checks every import of the workspace against these tables. A package that is missing here fails the
 * check: add it on purpose.
 */

/** What each package may import of the workspace. Connectors never import one another, nor do stores. */
export const packageImports: Readonly<Record<string, readonly string[]>> = {
  'create-millrace': [],
  world: [],
  channels: ['world'],
  core: ['world'],
  flow: ['core'],
  threads: ['channels', 'world'],
  node: ['channels', 'core', 'world'],
  'segment-log': ['core'],
  'store-memory': ['core', 'segment-log'],
  testkit: ['core', 'store-memory', 'world'],
  simulator: ['channels', 'core', 'store-memory', 'testkit', 'world'],
  'connector-files': ['core', 'segment-log'],
  'connector-generator': ['core', 'world'],
  'connector-memory': ['channels', 'core'],
  'connector-http': ['core', 'segment-log'],
  'connector-kafka': ['core', 'segment-log'],
  'connector-nats': ['core', 'segment-log'],
  'connector-redis': ['core'],
  'connector-stdio': ['core'],
  cli: ['core', 'flow', 'node', 'simulator', 'store-memory', 'world'],
  millrace: [
    'cli',
    'connector-files',
    'connector-generator',
    'connector-memory',
    'connector-stdio',
    'core',
    'flow',
    'node',
    'store-memory',
    // Only by millrace/testing, which programs in production do not import.
    'testkit',
  ],
}

/** What a test may import beside what its package may: the tools to build and run a small job. */
export const testImports: readonly string[] = [
  'testkit',
  'simulator',
  'flow',
  'node',
  'store-memory',
  'connector-memory',
  'world',
]

/** What each package may import from npm: nothing, except what is named here. */
export const npmImports: Readonly<Record<string, readonly string[]>> = {
  cli: ['tsx'],
  'connector-files': ['minimatch'],
  'connector-nats': ['@nats-io/jetstream', '@nats-io/transport-node'],
  'connector-redis': ['ioredis'],
}

/** What any test may import from npm. Vite comes with Vitest, and builds programs with planted bugs. */
export const npmTestImports: readonly string[] = ['vitest', 'fast-check', 'vite', 'zod']

/**
 * By package: modules with side effects, made for `node --import PACKAGE/MODULE`. Importing any other module has no
 * side effects.
 */
export const preloads: Readonly<Record<string, readonly string[]>> = { node: ['inspect'] }

/** Modules that are imported as PACKAGE/MODULE, by package. Like index.ts they list public names and do nothing else. */
export const subpaths: Readonly<Record<string, readonly string[]>> = {
  core: ['operator', 'connector', 'store', 'disk', 'graph', 'job'],
  millrace: ['testing'],
}

/** Whether a file lists the public names of a package: its index.ts, or one of its subpaths. */
export function isPublicList(path: string): boolean {
  const [, home, module] = /^packages\/([^/]+)\/src\/([^/]+)\.ts$/.exec(path) ?? []
  if (home === undefined || module === undefined) return false
  return module === 'index' || subpaths[home]?.includes(module) === true
}

/** The files that may import `node:*`, as path prefixes. All other code receives what it needs as an argument. */
export const nodeDoors: readonly string[] = [
  'packages/node/src/',
  'packages/cli/src/',
  'packages/connector-files/src/gzip.ts',
  'packages/connector-files/src/pipe.ts',
  'packages/connector-http/src/server.ts',
  'packages/connector-stdio/src/process-streams.ts',
  'packages/create-millrace/src/',
  'packages/millrace/src/run.ts',
  'packages/segment-log/src/checksum.ts',
  'packages/simulator/src/simulate/unawaited-work.ts',
  'packages/simulator/src/world/outside-work.ts',
  'packages/simulator/src/world/task-context.ts',
  'packages/threads/src/node-threads.ts',
]

/** Core's rooms that every other room may see. */
const foundation: readonly string[] = ['errors', 'codec', 'record', 'disk']

/** Core's rooms, from the top of the staircase down. A room imports only from itself and rooms before it. */
const staircase: readonly string[] = [
  ...foundation,
  'state',
  'time',
  'operator',
  'connect',
  'exchange',
  'graph',
  'plan',
  'checkpoint',
  'task',
  'job',
]

/** The rooms that count and report what happens. */
const observing: readonly string[] = ['checkpoint', 'task', 'job']

/** Whether a file in one room of core may import a file in another. `observe` is outside the order. */
export function roomMayImport(from: string, to: string): boolean {
  if (from === to) return true
  if (from === 'observe') return foundation.includes(to)
  if (to === 'observe') return observing.includes(from)
  const upper = staircase.indexOf(to)
  return upper !== -1 && upper < staircase.indexOf(from)
}
