import { pool, type Pool, type PoolOptions } from '../src/pool/pool.ts'
import { builtWorkers } from './built-workers.ts'

export const execArgv: readonly string[] = await builtWorkers()

/** A pool of `worker.ts`. */
export function testPool(options: PoolOptions = {}): Pool<typeof import('./worker.ts')> {
  return pool(new URL('./worker.ts', import.meta.url), { size: 1, execArgv, ...options })
}
