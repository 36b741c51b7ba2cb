/** `npm run kill-test [seed]`: two million records, fifty kills at random moments and ten during recovery. */
import { stdout } from 'node:process'
import { killTest, summary } from './harness.ts'

const seed = Number(process.argv[2] ?? Date.now() % 1_000_000)
stdout.write(`seed ${seed}\n`)
const report = await killTest({ seed, records: 2_000_000, kills: 50, recoveryKills: 10, longestRunMs: 1_600 })
stdout.write(`${summary(report)}\n`)
for (const violation of [...report.violations, ...report.samples]) stdout.write(`  ${violation}\n`)
if (report.failure !== undefined) stdout.write(`${report.failure}\n`)
const isSound =
  report.failure === undefined && report.lost === 0 && report.double === 0 && report.violations.length === 0
process.exitCode = isSound && report.killed >= 60 ? 0 : 1
