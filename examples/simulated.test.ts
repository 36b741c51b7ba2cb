import { env } from 'node:process'
import { fileURLToPath } from 'node:url'
import { nodePlatform } from '@millrace/node'
import { simulateSeeds } from '@millrace/simulator'
import { expect, test } from 'vitest'
import sshGuard from './01-ssh-guard/ssh-guard.ts'
import cardFraud from './02-card-fraud/fraud.ts'

const seeds = env['MILLRACE_TEST_LEVEL'] === 'full' ? 200 : 20
const log = fileURLToPath(new URL('01-ssh-guard/sample.log', import.meta.url))

test.each([
  ['01-ssh-guard', sshGuard, { log, year: 2026 }],
  ['02-card-fraud', cardFraud, {}],
])('%s gives the same results in every simulated world', async (_name, pipeline, parameters) => {
  const report = await simulateSeeds(pipeline, { seeds, parameters, fs: nodePlatform().fs })
  expect(report).toMatchObject({ seeds, failures: [], notCompared: [] })
  expect(report.lives).toBeGreaterThan(2 * seeds)
})
