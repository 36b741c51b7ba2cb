/** `npm run kill-test [seed]`: two million records, fifty kills at random moments and ten during recovery. */
import { killTest, summary } from './harness.ts'

const seed = Number(process.argv[2] ?? Date.now() % 1_000_000)
console.log(`seed ${seed}`)
const report = await killTest({ seed, records: 2_000_000, kills: 50, recoveryKills: 10, longestRunMs: 1_600 })
console.log(summary(report))
for (const violation of [...report.violations, ...report.samples]) console.log(`  ${violation}`)
if (report.failure !== undefined) console.log(report.failure)
const isSound =
  report.failure === undefined && report.lost === 0 && report.double === 0 && report.violations.length === 0
process.exitCode = isSound && report.killed >= 60 ? 0 : 1
