import type { WorkerHost } from '@millrace/core/job'
import type { WorkerPipeline } from './worker-pipeline.ts'

/**
 * Starts threads that load the pipeline of a file. `memoryMb` is how much memory the values of one thread may take.
 *
 * The module of threads is loaded when they are started: most jobs need none.
 */
export function pipelineWorkers(pipeline: WorkerPipeline, memoryMb?: number): WorkerHost {
  return {
    async start(count) {
      const { nodeWorkers } = await import('@millrace/node/workers')
      // By its public name: bundling moves modules.
      const server = import.meta.resolve('@millrace/cli/worker')
      const limit = memoryMb === undefined ? {} : { memoryMb }
      return nodeWorkers({ server, data: pipeline, ...limit }).start(count)
    },
  }
}
