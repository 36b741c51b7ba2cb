/**
 * `npm run simulate-everything`: 10,000 seeds over the examples and over drawn topologies, in two processes.
 *
 * A word selects one subject, `--seeds` sets the number of seeds, `--from` the first: `topologies --from 152
 * --seeds 1`. Fails if a guarantee is broken and, in a full run, if some drawable feature was never combined
 * with some kind of fault.
 */
import { fork, type ChildProcess } from 'node:child_process'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { carryOut, subjects, type Assignment, type Subject } from './assignment.ts'
import { pairs } from './feature.ts'
import { addTally, emptyTally, holesOf, sumOf, tableOf, type Tally } from './tally.ts'
import { seedsPerTopology } from './trial.ts'

const processes = 2
/** One unit of work for a process. */
const seedsAtOnce = 5 * seedsPerTopology
const allSeeds = 10_000
const progressEveryMs = 10_000

if (process.send === undefined) await lead()
else process.on('message', (assignment) => void work(assignment as Assignment))

async function work(assignment: Assignment): Promise<void> {
  // Thousands of errors are thrown; only their messages are shown.
  Error.stackTraceLimit = 0
  process.send!(await carryOut(assignment))
}

async function lead(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { seeds: { type: 'string' }, from: { type: 'string' } },
    allowPositionals: true,
  })
  const [word] = positionals
  const chosen = subjects.filter((subject) => word === undefined || subject === word)
  if (chosen.length === 0) throw new Error(`there is no ${word}; choose one of ${subjects.join(', ')}`)
  const seeds = Number(values.seeds ?? allSeeds)
  const isWhole = word === undefined && seeds >= allSeeds
  const left = assignments(chosen, Number(values.from ?? 0), seeds)
  const tally = emptyTally()
  const began = performance.now()
  let saidAt = began
  const workers = Array.from({ length: processes }, () => fork(import.meta.filename))
  await Promise.all(
    workers.map((worker) =>
      employ(worker, left, (more) => {
        addTally(tally, more)
        for (const failure of more.failures) say(`\n${failure}\n`)
        if (performance.now() - saidAt < progressEveryMs) return
        saidAt = performance.now()
        const done = sumOf(tally.seeds)
        say(
          `${shown(done)} of ${shown(seeds)} seeds, ${rate(done, began)} seeds/s, ${tally.failures.length} failures`,
        )
      }),
    ),
  )
  report(tally, began)
  const holes = isWhole ? holesOf(tally) : []
  for (const hole of holes) say(hole)
  process.exitCode = tally.failures.length + holes.length === 0 ? 0 : 1
}

/** A twentieth for each example; topologies get the rest. */
function assignments(chosen: readonly Subject[], from: number, seeds: number): Assignment[] {
  const share = Math.floor(seeds / 20)
  const seedsOf = (subject: Subject): number => {
    if (chosen.length === 1) return seeds
    return subject === 'topologies' ? seeds - 2 * share : share
  }
  return chosen.flatMap((subject) => {
    const end = from + seedsOf(subject)
    const parts: Assignment[] = []
    for (let at = from; at < end; at += seedsAtOnce)
      parts.push({ subject, from: at, seeds: Math.min(seedsAtOnce, end - at) })
    return parts
  })
}

/** Gives a process one assignment after the other. */
async function employ(worker: ChildProcess, left: Assignment[], done: (tally: Tally) => void): Promise<void> {
  for (let next = left.shift(); next !== undefined; next = left.shift()) done(await answerTo(worker, next))
  worker.kill()
}

function answerTo(worker: ChildProcess, assignment: Assignment): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error(`a process has ended at ${JSON.stringify(assignment)}`))
    worker.once('exit', onExit)
    worker.once('message', (answer) => {
      worker.off('exit', onExit)
      resolve(answer as Tally)
    })
    worker.send(assignment)
  })
}

function report(tally: Tally, began: number): void {
  const { seeds, lives, faults, failures, topologies, sinks, predicted, notCompared } = tally
  const all = sumOf(seeds)
  const by = Object.entries(seeds).map(([what, count]) =>
    what === 'topologies'
      ? `${shown(count)} over ${shown(topologies)} topologies`
      : `${shown(count)} ${what}`,
  )
  say(tableOf(tally))
  say(`${Object.keys(tally.pairs).length} of ${pairs.length} pairs of parts that feed one another`)
  say(
    `${shown(predicted)} of ${shown(sinks)} sinks held against the oracle, ${shown(notCompared)} not compared after crashes`,
  )
  say(`${rate(all, began)} seeds/s`)
  say(
    `${shown(all)} seeds: ${by.join(', ')}; ${shown(lives)} lives, ${shown(sumOf(faults))} faults of ${Object.keys(faults).length} kinds, ${failures.length} failures`,
  )
}

function rate(seeds: number, began: number): string {
  return (seeds / ((performance.now() - began) / 1_000)).toFixed(1)
}

function shown(count: number): string {
  return count.toLocaleString('en')
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
