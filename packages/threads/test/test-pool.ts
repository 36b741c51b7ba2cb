import { pool, type Pool, type PoolOptions } from '../src/pool/pool.ts'

/** A pool of `worker.ts`. Its threads read the packages from source, as the tests do. */
export function testPool(options: PoolOptions = {}): Pool<typeof import('./worker.ts')> {
  const execArgv = ['--conditions=@millrace/source']
  return pool(new URL('./worker.ts', import.meta.url), { size: 1, execArgv, ...options })
}
