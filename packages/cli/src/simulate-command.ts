import type { Pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import type { SeedsReport, SimulationFailure } from '@millrace/simulator'
import type { CommandLine, Command } from './command.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import { optionalPackage } from './optional-package.ts'
import type { Outputs } from './outputs.ts'
import { loadPipeline } from './pipeline-loader.ts'
import { printable } from './printable.ts'
import { parametersOf, wholeNumber } from './run-options.ts'
import { simulatedInputs } from './simulate-inputs.ts'
import { StatusLine } from './status-line.ts'

/** `millrace simulate`: runs a pipeline with many seeds in simulated worlds with faults. */
export const simulateCommand: Command = {
  name: 'simulate',
  operand: 'FILE.ts',
  summary: 'crash a pipeline in simulated worlds and compare its output',
  details: [
    "Reads the first records of the pipeline's own sources once. Then runs the pipeline again and again",
    'in simulated worlds: processes are killed, the power is lost, disks fail and fill up, sinks refuse',
    'and lose replies, differently for each seed. The output must equal that of a run without faults.',
    'Nothing is written, and no external system is called except by mapAsync: simulated sources and',
    'sinks replace the real ones. Use simulateSeeds to test your own sinks.',
    '',
    'A failed seed is printed with the failure and a shorter run that fails the same way; the exit code is 1.',
  ],
  options: [
    { name: 'seeds', value: 'N', help: 'how many seeds (default 100)' },
    { name: 'from', value: 'N', help: 'the first of them (default 0)' },
    { name: 'seed', value: 'N', help: 'this seed and no other' },
    { name: 'parameter', value: 'NAME=VALUE', help: 'a parameter of the pipeline; may be repeated' },
    {
      name: 'input',
      value: 'SOURCE=FILE',
      help: 'records of a source, a JSON value on each line; repeated for a source: a split for each file',
    },
    { name: 'records', value: 'N', help: 'records of each split at most (default 1000)' },
    { name: 'parallelism', value: 'N', help: 'subtasks of each task (default: as the seed chooses)' },
    { name: 'keep-going', help: 'continue after a seed that fails' },
    { name: 'json', help: 'write the result as a JSON object' },
  ],
  run,
}

async function run(line: CommandLine, outputs: Outputs): Promise<ExitCode> {
  const pipeline = await loadPipeline(line.operand)
  pipeline.describe(parametersOf(line)) // Validates like `run`, with the same errors.
  const { clock } = nodePlatform()
  const seeds = line.has('seed') ? 1 : numberOf(line, 'seeds', 100)
  const startedMs = clock.monotonic()
  let done: SeedsReport | undefined
  const isJson = line.has('json')
  const isTerminal = outputs.stderr.isTTY === true && !isJson
  using _status = isTerminal
    ? new StatusLine(outputs, clock, () => barText(done?.seeds ?? 0, seeds))
    : undefined
  let shownTenths = 0
  const onProgress = (report: SeedsReport): void => {
    done = report
    const tenths = Math.floor((10 * report.seeds) / seeds)
    if (isTerminal || isJson || tenths === shownTenths) return
    shownTenths = tenths
    outputs.stderr.write(`${report.seeds} of ${seeds} seeds\n`)
  }
  const report = await simulated(pipeline, line, seeds, onProgress)
  const seconds = (clock.monotonic() - startedMs) / 1_000
  outputs.stdout.write(
    isJson ? `${jsonText(report)}\n` : summaryText(pipeline.name, report, seconds, sameWorld(line)),
  )
  return report.failures.length === 0 ? exitCodes.done : exitCodes.failed
}

async function simulated(
  pipeline: Pipeline,
  line: CommandLine,
  seeds: number,
  onProgress: (report: SeedsReport) => void,
): Promise<SeedsReport> {
  const records = numberOf(line, 'records', 1_000)
  const inputs = await simulatedInputs(line, records)
  const { simulateSeeds, SimulationFailure: Failure } = await simulator()
  let last: SeedsReport = {
    seeds: 0,
    steps: 0,
    lives: 0,
    simulatedMs: 0,
    faults: {},
    failures: [],
    notCompared: [],
    expected: {},
  }
  try {
    return await simulateSeeds(pipeline, {
      parameters: parametersOf(line),
      seeds,
      from: line.has('seed') ? numberOf(line, 'seed', 0) : numberOf(line, 'from', 0),
      records,
      inputs,
      keepGoing: line.has('keep-going'),
      fs: nodePlatform().fs,
      ...(line.has('parallelism') ? { parallelism: numberOf(line, 'parallelism', 1) } : {}),
      onProgress: (report) => {
        last = report
        onProgress(report)
      },
    })
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { ...last, seeds: last.seeds + 1, failures: [error] }
  }
}

function numberOf(line: CommandLine, name: string, otherwise: number): number {
  const given = line.value(name)
  if (given === undefined) return otherwise
  return wholeNumber(name, given, name === 'seed' || name === 'from' ? 0 : 1)
}

/** The file, and the options that change the meaning of a seed. */
function sameWorld(line: CommandLine): string {
  const options = ['parameter', 'input', 'records', 'parallelism'].flatMap((name) =>
    line.values(name).map((value) => `--${name} ${/^[\w.=/-]+$/.test(value) ? value : `'${value}'`}`),
  )
  return [line.operand, ...options].join(' ')
}

const barWidth = 30

function barText(done: number, all: number): string {
  const filled = Math.round((barWidth * done) / all)
  return `[${'#'.repeat(filled)}${' '.repeat(barWidth - filled)}] ${done} of ${all} seeds`
}

function summaryText(pipeline: string, report: SeedsReport, seconds: number, again: string): string {
  const { seeds, lives, simulatedMs, faults, failures, notCompared } = report
  const counts = Object.entries(faults)
    .toSorted((a, b) => b[1] - a[1])
    .map(([kind, count]) => `${kind} ${count}`)
  const verdict = failures.length === 0 ? 'and every promise was kept' : `${failures.length} failed`
  const lines = [
    ...failures.flatMap((failure) => [failure.message.replaceAll('FILE.ts', again), '']),
    `${pipeline}: ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}, ${verdict}`,
    // A failed seed reports its own lives and faults.
    ...(seeds === failures.length
      ? []
      : [
          `  ${failures.length === 0 ? '' : 'the others: '}${lives} lives, ${(simulatedMs / 1_000).toFixed(0)} s of simulated time in ${seconds.toFixed(1)} s`,
          `  ${counts.length === 0 ? 'no faults' : counts.join(', ')}`,
          '  sources and sinks were simulated; test your own with simulateSeeds',
        ]),
    ...notCompared.map(({ sink, why }) => `  '${sink}' was not compared: ${why}`),
  ]
  return lines.map((text) => `${printable(text)}\n`).join('')
}

function jsonText(report: SeedsReport): string {
  const failures = report.failures.map(
    ({ seed, kind, where, message, faults, shrunk }: SimulationFailure) => ({
      seed,
      kind,
      where,
      message,
      faults,
      shrunk,
    }),
  )
  const { expected: _values, ...figures } = report
  return JSON.stringify({ ...figures, failures })
}

/** The simulator is a separate package, because a job in production does not need it. */
function simulator(): Promise<typeof import('@millrace/simulator')> {
  return optionalPackage(
    () => import('@millrace/simulator'),
    `'simulate' needs the package @millrace/simulator, which is not installed: npm install --save-dev @millrace/simulator`,
  )
}
