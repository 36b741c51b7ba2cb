/** What Millrace needs from Node: the file system and the facts of a process. */
export { inspectProcess } from './inspect-process.ts'
export { nodeFs } from './node-fs.ts'
export { nodePlatform } from './node-platform.ts'
export { nodeProcessFacts } from './process-facts.ts'
export { secretFromEnvironment, secretFromFile } from './secrets.ts'
