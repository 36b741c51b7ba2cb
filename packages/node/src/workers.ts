/** Worker threads of a job; apart from the rest, which starts faster without them. */
export { nodeWorkers, thisWorker } from './workers/node-workers.ts'
export type { NodeWorkersOptions, ThisWorker } from './workers/node-workers.ts'
