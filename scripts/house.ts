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
  node: ['channels', 'core', 'threads', 'world'],
  'segment-log': ['core'],
  'store-memory': ['core', 'segment-log'],
  // The two have one format.
  'store-disk': ['core', 'segment-log', 'store-memory'],
  testkit: ['core', 'store-memory', 'world'],
  simulator: ['channels', 'core', 'store-memory', 'testkit', 'world'],
  'connector-files': ['core', 'segment-log'],
  'connector-generator': ['core', 'world'],
  'connector-memory': ['channels', 'core'],
  'connector-http': ['core', 'segment-log'],
  'connector-kafka': ['core', 'segment-log'],
  // A job on several machines lives in Kafka.
  'cluster-kafka': ['connector-kafka', 'core', 'segment-log', 'world'],
  'connector-nats': ['core', 'segment-log'],
  'connector-rabbitmq': ['core'],
  'connector-redis': ['core', 'world'],
  'connector-stdio': ['core'],
  control: ['core', 'flow', 'world'],
  opentelemetry: ['control', 'core'],
  // Only the types and routes of the API: the page speaks to it over HTTP.
  dashboard: ['control'],
  'schema-registry': ['core'],
  'format-avro': ['core', 'schema-registry'],
  'format-protobuf': ['core', 'schema-registry'],
  cli: [
    'cluster-kafka',
    'control',
    'core',
    'flow',
    'node',
    'opentelemetry',
    'simulator',
    'store-disk',
    'store-memory',
    'world',
  ],
  millrace: [
    'cli',
    'connector-files',
    'connector-generator',
    'connector-memory',
    'connector-stdio',
    'core',
    'flow',
    'node',
    'store-disk',
    'store-memory',
    // Only by millrace/testing, which programs in production do not import.
    'testkit',
  ],
}

/** What a test may import beside what its package may: the tools to build and run a small job. */
export const testImports: readonly string[] = [
  'core',
  'testkit',
  'simulator',
  'flow',
  'node',
  'store-disk',
  'store-memory',
  'connector-memory',
  'world',
]

/** What each package may import from npm: nothing, except what is named here. */
export const npmImports: Readonly<Record<string, readonly string[]>> = {
  'format-avro': ['avsc'],
  'format-protobuf': ['@bufbuild/protobuf'],
  cli: ['tsx'],
  control: ['@hono/node-server', 'hono'],
  'connector-files': ['minimatch'],
  'connector-kafka': ['fzstd'],
  'connector-http': ['ws'],
  'connector-nats': ['@nats-io/jetstream', '@nats-io/transport-node'],
  'connector-redis': ['ioredis'],
  opentelemetry: ['@opentelemetry/api'],
  // Bundled into the page; users install none of them.
  dashboard: ['@dagrejs/dagre', '@preact/signals', 'preact', 'uplot', 'vite'],
}

/**
 * What any test may import from npm. Vite comes with Vitest, and builds programs with planted bugs. The last ones check
 * the files in `deploy`.
 */
export const npmTestImports: readonly string[] = [
  'vitest',
  'fast-check',
  'vite',
  'zod',
  // Looks at RabbitMQ from outside.
  'amqplib',
  'playwright-core',
  'axe-core',
  'esbuild',
  'yaml',
  'kubernetes-models/apps/v1',
  'kubernetes-models/policy/v1',
  'kubernetes-models/v1',
  '@opentelemetry/sdk-logs',
  '@opentelemetry/sdk-metrics',
  '@opentelemetry/sdk-trace-base',
]

/**
 * By package: modules with side effects, made for `node --import PACKAGE/MODULE`. Importing any other module has no
 * side effects.
 */
export const preloads: Readonly<Record<string, readonly string[]>> = { node: ['inspect'] }

/** Files that a tool starts, and nothing imports. */
export const toolEntries: readonly string[] = [
  'packages/dashboard/page/main.tsx',
  'packages/dashboard/page/vite.config.ts',
]

/** Modules that are imported as PACKAGE/MODULE, by package. Like index.ts they list public names and do nothing else. */
export const subpaths: Readonly<Record<string, readonly string[]>> = {
  core: ['operator', 'connector', 'store', 'disk', 'graph', 'job'],
  millrace: ['testing'],
  'cluster-kafka': ['testing'],
  'connector-kafka': ['port'],
  'store-memory': ['segments'],
  cli: ['worker'],
  control: ['client', 'contract', 'letters', 'metrics', 'state'],
  // A command that uses one thread starts without it.
  node: ['workers'],
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
  'packages/connector-http/src/client/node-http-door.ts',
  'packages/connector-http/src/server.ts',
  'packages/connector-http/src/websocket/node-socket-door.ts',
  'packages/connector-kafka/src/wire/doors/',
  'packages/connector-rabbitmq/src/amqp/doors/',
  'packages/connector-stdio/src/process-streams.ts',
  'packages/control/src/job/runtime.ts',
  'packages/control/src/letters/rehearsal.ts',
  'packages/control/src/server/node-server.ts',
  'packages/control/src/server/static-files.ts',
  'packages/create-millrace/src/',
  'packages/millrace/src/run.ts',
  'packages/schema-registry/src/door.ts',
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
