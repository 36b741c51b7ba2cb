import { defineConfig } from 'vitest/config'
import base from './vitest.config.ts'

/** The tests that need a server which takes seconds to start (`*.service.test.ts`). */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: [
      'packages/**/test/**/*.service.test.ts',
      'examples/**/*.service.test.ts',
      'lab/**/*.service.test.ts',
    ],
    exclude: ['**/node_modules/**', '**/dist/**'],
    // One server at a time.
    maxWorkers: 1,
  },
})
