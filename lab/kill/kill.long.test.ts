import { stdout } from 'node:process'
import { describe, expect, test } from 'vitest'
import { killTest, summary, type KillPlan } from './harness.ts'

const small: KillPlan = {
  seed: 7,
  records: 1_800_000,
  kills: 8,
  recoveryKills: 3,
  longestRunMs: 900,
  rate: 24_000,
}

describe('a job killed at random moments', () => {
  test('EN-202 EN-203 EN-217 EN-218 EN-223 loses nothing, duplicates nothing, and never shows an uncommitted line', async () => {
    const report = await killTest(small)
    stdout.write(`${summary(report)}\n`)
    expect(report.failure).toBeUndefined()
    expect(report.violations).toEqual([])
    expect(report.samples).toEqual([])
    expect(report.killed).toBeGreaterThanOrEqual(8)
    expect(report.lines).toBeGreaterThan(small.records)
  }, 1_800_000)

  test.each(['position-behind', 'commit-early', 'pending-forgotten'])(
    'the harness detects a planted bug: %s',
    async (mistake) => {
      const report = await killTest({ ...small, records: 60_000, kills: 5, recoveryKills: 1, mistake })
      const found =
        report.violations.length + report.lost + report.double + (report.failure === undefined ? 0 : 1)
      stdout.write(`${mistake}: ${summary(report)} ${report.failure ?? ''}\n`)
      expect(report.killed).toBeGreaterThan(1)
      expect(found).toBeGreaterThan(0)
    },
    1_800_000,
  )
})
