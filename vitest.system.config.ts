import { defineConfig } from 'vitest/config'
import base from './vitest.config.ts'

/** The tests that start the command or a server as a process of its own, and the longest simulations (`*.system.test.ts`). */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: [
      'packages/**/*.system.test.ts',
      'examples/**/*.system.test.ts',
      'bench/**/*.system.test.ts',
      'lab/**/*.system.test.ts',
    ],
    exclude: ['**/node_modules/**', '**/dist/**'],
  },
})
