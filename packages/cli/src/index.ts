/** The millrace command, for programs that call it. */
export { launch, main } from './launch.ts'
export { pipelineWorkers } from './pipeline-workers.ts'
export { storeOf } from './store-choice.ts'
export type { StoreChoice } from './store-choice.ts'
export type { WorkerPipeline } from './worker-pipeline.ts'
