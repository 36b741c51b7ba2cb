/** How long do a thousand crashes of a windowed job over a thousand records take? */
import { MemorySink, memorySource } from '@millrace/core'
import { count, pipeline, sum, tumbling } from '@millrace/flow'
import { simulateSeeds, type SeedsReport } from '@millrace/testkit'
import { median, report } from './measure.ts'

const [records, seeds, runs] = [1_000, 1_000, 3]
/** "A thousand seeds take a minute", as the guide says. */
const bar = '60 s for 1,000 seeds'
const barNanoseconds = 60e6

interface Reading {
  readonly at: number
  readonly sensor: string
  readonly value: number
}

/** Readings of eleven sensors, a fixed pattern of disorder in them, some of them late. */
const readings = Array.from({ length: records }, (_, index): Reading => ({
  at: index * 100 + ((index * 37) % 7) * 90,
  sensor: `s${(index * 13) % 11}`,
  value: (index * 7) % 100,
}))

const windowed = pipeline('windowed', (p) => {
  const sums = p
    .from('readings', memorySource({ all: readings }))
    .withTimestamps({ at: (reading) => reading.at, disorder: '300ms' })
    .keyBy((reading) => reading.sensor)
    .window(tumbling('2s'))
    .aggregate('sums', { n: count(), total: sum((reading) => reading.value) })
  sums.to('sums-out', new MemorySink())
  sums.late.to('late', new MemorySink())
})

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
