import { serveWorker } from '@millrace/core/job'
import { nodePlatform } from '@millrace/node'
import { thisWorker } from '@millrace/node/workers'
import { loadPipeline } from './pipeline-loader.ts'
import { loadTelemetry } from './run-telemetry.ts'
import { storeOf } from './store-choice.ts'
import type { WorkerPipeline } from './worker-pipeline.ts'

/** Loads the pipeline in this thread and runs its subtasks, as the coordinator says. */
export async function serve(): Promise<void> {
  const { data, port, linkTo } = await thisWorker()
  const { file, parameters, store = { kind: 'memory' }, isTraced = false } = data as WorkerPipeline
  const pipeline = await loadPipeline(file)
  const { graph } = pipeline.describe(parameters)
  const tracer = isTraced ? (await loadTelemetry()).recordTracer() : undefined
  serveWorker({ graph, platform: nodePlatform(), store: storeOf(store), tracer, port, linkTo })
}
