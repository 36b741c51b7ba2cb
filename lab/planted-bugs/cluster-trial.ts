/**
 * The main module of a program with a planted bug: runs drawn clusters with many seeds from one on, and prints the first broken promise
 * on the last line.
 */
import { argv, stdout } from 'node:process'
import { ClusterRun } from '../cluster/cluster-run.ts'
import { drawScenario } from '../cluster/drawing.ts'

/** Larger clusters take longer, and what goes wrong in them mostly goes wrong in smaller ones. */
const leasesMax = 6
const [first, seeds] = argv.slice(2, 4).map(Number) as [number, number]

Error.stackTraceLimit = 0
let broken: string | null = null
let left = seeds
for (let seed = first; left > 0 && broken === null; seed++) {
  const scenario = drawScenario(seed)
  if (scenario.setting.leases > leasesMax) continue
  left--
  const { problems } = await new ClusterRun(scenario).run()
  const [problem] = problems
  if (problem !== undefined) {
    broken = `caught at seed ${seed} after ${seeds - left} seeds: ${problem.kind}: ${problem.text}`
  }
}
stdout.write(`${JSON.stringify({ broken })}\n`)
