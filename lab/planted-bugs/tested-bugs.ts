import type { TestedBug } from './planted-bug.ts'

/** Mistakes that tests of their own must find. */
export const testedBugs: readonly TestedBug[] = [
  {
    name: 'a job fails one time more than its restart policy allows',
    plant: {
      file: 'core/src/runtime/restart-policy.ts',
      from: 'if (this.#failures > policy.attempts)',
      to: 'if (this.#failures > policy.attempts + 1)',
    },
    files: ['packages/core/test/lifecycle.test.ts'],
    shows: /./,
  },
]
