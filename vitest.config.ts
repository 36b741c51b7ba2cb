import { defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'

// Tests run from source: the private condition leads every workspace import to src/index.ts, with no build. Node does not
// know the condition `module`, and what it leads to may be for bundlers only.
const conditions = [
  '@millrace/source',
  ...defaultServerConditions.filter((condition) => condition !== 'module'),
]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: [
      'packages/**/src/**/*.test.ts',
      'packages/**/test/**/*.test.ts',
      'examples/**/*.test.ts',
      'lab/**/*.test.ts',
      'bench/**/*.test.ts',
      'scripts/**/*.test.ts',
    ],
    exclude: ['**/node_modules/**', '**/dist/**', '**/*.{system,service}.test.ts', '**/*.long.test.ts'],
    globalSetup: ['scripts/temporary-directory.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // Test files of one worker share their modules: loading them anew for each file would cost more than the tests do.
    isolate: false,
    // Ends a test that hangs: no test may depend on the speed of the machine.
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
})
