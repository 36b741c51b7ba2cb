/** How long do a thousand crashes of a windowed job over a thousand records take? */
import { simulateSeeds, type SeedsReport } from '@millrace/simulator'
import { windowed } from '../packages/simulator/test/simulated-pipelines.ts'
import { median, report } from './measure.ts'

/** Number of records that `windowed` reads. */
const records = 1_000
const [seeds, runs] = [1_000, 3]
/** "A thousand seeds take a minute", as the guide says. */
const bar = '60 s for 1,000 seeds'
const barNanoseconds = 60e6

const [elapsed, cpu]: [number[], number[]] = [[], []]
let last: SeedsReport | undefined
for (let run = 0; run < runs; run++) {
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  last = await simulateSeeds(windowed, { seeds })
  elapsed.push(performance.now() - startedAt)
  const { user, system } = process.cpuUsage(cpuBefore)
  cpu.push((user + system) / 1e3)
}

const elapsedMs = median(elapsed)
const { steps, lives, faults } = last!
const crossed = Object.values(faults).reduce((total, times) => total + times, 0)
report([
  {
    name: `a seed of a windowed job over ${records} records`,
    nanoseconds: median([(elapsedMs * 1e6) / seeds]),
    runs,
    note:
      `${elapsedMs / 1e3} s for ${seeds} seeds, ${median(cpu) / 1e3} s of CPU, ` +
      `${median([(seeds * 1e3) / elapsedMs])} seeds/s; ` +
      `${lives} lives, ${crossed} faults, ${steps} steps`,
    rivals: { [bar]: barNanoseconds },
    bar: { rival: bar, times: 1 },
  },
])
