import { env } from 'node:process'
import { expect, test } from 'vitest'
import { ClusterRun } from './cluster-run.ts'
import { drawScenario } from './drawing.ts'

const seeds = env['MILLRACE_TEST_LEVEL'] === 'full' ? 2_000 : 60

test(
  `clusters of ${seeds} seeds lose no result, have none twice and none that is wrong, and their jobs end`,
  { timeout: 7_200_000 },
  async () => {
    const failures: string[] = []
    for (let seed = 0; seed < seeds; seed++) {
      const { problems } = await new ClusterRun(drawScenario(seed)).run()
      failures.push(...problems.map(({ kind, text }) => `seed ${seed}: ${kind}: ${text}`))
    }
    expect(failures).toEqual([])
  },
)
