import { defineConfig } from 'vitest/config'
import base from './vitest.config.ts'

/** Every test: those that take long too (`*.long.test.ts`), and with as many seeds and schedules as they can use. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    exclude: ['**/node_modules/**', '**/dist/**'],
    env: { MILLRACE_TEST_LEVEL: 'full' },
  },
})
