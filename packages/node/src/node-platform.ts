import { systemClock, systemRandom, systemScheduler } from '@millrace/world'
import type { Platform } from '@millrace/core/disk'
import { nodeFs } from './node-fs.ts'
import { nodeProfiler } from './node-profiler.ts'
import { nodeProcessFacts } from './process-facts.ts'

/**
 * The real platform, for production.
 *
 * @example
 * const { fs, clock } = nodePlatform()
 */
export function nodePlatform(): Platform {
  return {
    clock: systemClock,
    random: systemRandom,
    scheduler: systemScheduler,
    fs: nodeFs,
    process: nodeProcessFacts,
    profiler: nodeProfiler,
  }
}
