/**
 * `npm run simulate-cluster`: clusters of 1 to 64 workers in one process, each with what its seed draws.
 *
 *     --seeds 2000      how many seeds, from 0 or from `--seed` on
 *     --seed 81         the first seed; alone, only this one, with its log
 *     --processes 2     how many processes run them
 *     --scenario FILE   a scenario from a file instead, as a failure prints it
 *
 * Fails if a result is lost, double or wrong, or if a job does not reach the end of its input.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { ClusterRun } from './cluster-run.ts'
import { drawScenario } from './drawing.ts'
import type { Scenario } from './scenario.ts'
import { shrink } from './shrink.ts'
import { addTally, emptyTally, tallyOf, tallyText, type Tally } from './tally.ts'

const progressEveryMs = 30_000

if (process.send === undefined) await lead()
else process.on('message', (seed) => void work(Number(seed)))

async function work(seed: number): Promise<void> {
  Error.stackTraceLimit = 0
  process.send!(await trySeed(seed))
}

/** Runs a seed; a failure is made shorter. */
async function trySeed(seed: number): Promise<Tally> {
  const began = process.cpuUsage()
  const scenario = drawScenario(seed)
  const report = await new ClusterRun(scenario).run()
  const used = process.cpuUsage(began)
  const failures = report.problems.length === 0 ? [] : [await failureText(scenario)]
  return tallyOf(scenario, report, (used.user + used.system) / 1e6, failures)
}

async function failureText(scenario: Scenario): Promise<string> {
  const run = (of: Scenario) => new ClusterRun(of).run()
  const first = await run(scenario)
  const shrunk = await shrink(scenario, first, run)
  return [
    `seed ${scenario.seed}:`,
    ...first.problems.map(({ kind, text }) => `  ${kind}: ${text}`),
    `  again with its log: npm run simulate-cluster -- --seed ${scenario.seed}`,
    '  shorter, for --scenario:',
    `  ${JSON.stringify(shrunk.scenario)}`,
    ...shrunk.report.log.map((line) => `  ${line}`),
  ].join('\n')
}

async function lead(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      processes: { type: 'string' },
      scenario: { type: 'string' },
    },
  })
  if (values.scenario !== undefined)
    return show(JSON.parse(await readFile(values.scenario, 'utf8')) as Scenario)
  const first = Number(values.seed ?? 0)
  if (values.seed !== undefined && values.seeds === undefined) return show(drawScenario(first))
  const count = Number(values.seeds ?? 2_000)
  await tryAll(first, count, Number(values.processes ?? 1))
}

async function show(scenario: Scenario): Promise<void> {
  say(JSON.stringify(scenario))
  const report = await new ClusterRun(scenario, true).run()
  for (const line of report.log) say(line)
  for (const { kind, text } of report.problems) say(`${kind}: ${text}`)
  say(report.problems.length === 0 ? 'every promise was kept' : 'a promise was broken')
  if (report.problems.length > 0) process.exitCode = 1
}

async function tryAll(first: number, count: number, processes: number): Promise<void> {
  const tally = emptyTally()
  let saidAt = performance.now()
  let next = first
  const done = (more: Tally): void => {
    addTally(tally, more)
    for (const failure of more.failures) say(failure)
    if (performance.now() - saidAt < progressEveryMs) return
    saidAt = performance.now()
    say(`${tally.seeds} of ${count} seeds, ${tally.failures.length} failures`)
  }
  const employ = async (worker: ChildProcess): Promise<void> => {
    while (next < first + count) done(await answerTo(worker, next++))
    worker.kill()
  }
  await Promise.all(Array.from({ length: processes }, () => employ(fork(import.meta.filename))))
  say(tallyText(tally))
  if (tally.failures.length > 0) process.exitCode = 1
}

function answerTo(worker: ChildProcess, seed: number): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error(`a process has ended at seed ${seed}`))
    worker.once('exit', onExit)
    worker.once('message', (answer) => {
      worker.off('exit', onExit)
      resolve(answer as Tally)
    })
    worker.send(seed)
  })
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
