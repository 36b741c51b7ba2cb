import { sleep } from '@millrace/world'
import { MillraceError, positiveDurationMs } from '@millrace/core'
import type {
  Action,
  Diagnosis,
  EventPage,
  JobFigures,
  JobList,
  JobOverview,
  LogPage,
  PartList,
} from '@millrace/control/contract'
import { nodePlatform } from '@millrace/node'
import type { Command, CommandLine, Option } from './command.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import { clientOf, type JobClient } from './job-client.ts'
import type { Outputs } from './outputs.ts'
import { diagnosisText, eventText, lineText, overviewText, partsText } from './job-text.ts'

const target = 'URL|DATA_DIR'
const common: readonly Option[] = [
  { name: 'job', value: 'NAME', help: 'the pipeline, if several run there' },
  { name: 'json', help: 'print JSON' },
]
const where = [
  'The job must run with --control. Give the address of its control API, or its data directory.',
  'With a token, set MILLRACE_CONTROL_TOKEN.',
]

function client(line: CommandLine): Promise<JobClient> {
  return clientOf(nodePlatform().fs, line.operand, line.value('job'))
}

/** Prints `value` as JSON, or what `text` makes of it. */
function print<T>(line: CommandLine, { stdout }: Outputs, value: T, text: (value: T) => string): void {
  stdout.write(line.has('json') ? `${JSON.stringify(value)}\n` : text(value))
}

/** `millrace status`: what a running job does. */
export const statusCommand: Command = {
  name: 'status',
  operand: target,
  summary: 'show what a running job does',
  details: where,
  options: common,
  run: async (line, outputs) => {
    const job = await clientOf(nodePlatform().fs, line.operand, line.value('job'), true)
    if (job.isWhole) return partsStatus(line, outputs, job)
    const overview = await job.get<JobOverview>('job')
    const figures = await job.get<JobFigures>('figures')
    print(line, outputs, { ...overview, operators: figures.operators, tasks: figures.tasks }, () =>
      overviewText(overview, figures),
    )
    return overview.outcome === 'failed' ? exitCodes.failed : exitCodes.done
  },
}

/** What the workers of a job do that they run together. */
async function partsStatus(line: CommandLine, outputs: Outputs, job: JobClient): Promise<ExitCode> {
  const places = await job.get<PartList>('parts')
  const { jobs } = await job.get<JobList>('jobs')
  print(line, outputs, { ...places, jobs }, () => partsText(places, jobs))
  return exitCodes.done
}

/** `millrace doctor`: what is wrong with a running job. */
export const doctorCommand: Command = {
  name: 'doctor',
  operand: target,
  summary: 'say what is wrong with a running job, and what helps',
  details: [...where, '', 'Exits with 1 if there is a problem.'],
  options: common,
  run: async (line, outputs) => {
    const diagnosis = await (await client(line)).get<Diagnosis>('doctor')
    print(line, outputs, diagnosis, diagnosisText)
    const isBad = diagnosis.findings.some(({ severity }) => severity === 'problem')
    return isBad ? exitCodes.failed : exitCodes.done
  },
}

async function perform(line: CommandLine, outputs: Outputs, action: Action): Promise<ExitCode> {
  print(line, outputs, await (await client(line)).act(action), ({ text }) => `${text}\n`)
  return exitCodes.done
}

function required(line: CommandLine, option: string, meta: string): string {
  const value = line.value(option)
  if (value !== undefined) return value
  throw new MillraceError('OPTION_INVALID', `--${option} ${meta} is missing`)
}

/** `millrace savepoint`: a complete copy of a checkpoint. */
export const savepointCommand: Command = {
  name: 'savepoint',
  operand: target,
  summary: 'write a complete copy of a checkpoint of a running job',
  details: [
    ...where,
    '',
    'The copy is a data directory of its own: millrace run --data-dir COPY continues from it, on any',
    'machine and with any parallelism. The running job is not affected.',
  ],
  options: [
    { name: 'to', value: 'DIR', help: 'a directory of the job’s machine, empty or missing' },
    ...common,
  ],
  run: (line, outputs) =>
    perform(line, outputs, { action: 'savepoint', directory: required(line, 'to', 'DIR') }),
}

/** `millrace pause` and `millrace resume`: sources that do not read. */
export const pauseCommand: Command = sourceCommand('pause', 'let a source of a running job read no more')
export const resumeCommand: Command = sourceCommand('resume', 'let a paused source read again')

function sourceCommand(action: 'pause' | 'resume', summary: string): Command {
  return {
    name: action,
    operand: target,
    summary,
    details: where,
    options: [{ name: 'source', value: 'NAME', help: 'the source' }, ...common],
    run: (line, outputs) => perform(line, outputs, { action, source: required(line, 'source', 'NAME') }),
  }
}

/** `millrace stop`: stops a running job and waits for its end. */
export const stopCommand: Command = {
  name: 'stop',
  operand: target,
  summary: 'stop a running job, and wait until it has ended',
  details: [
    ...where,
    '',
    'What was read is finished, checkpointed and committed. Exits with 6 if the job does not end in time.',
  ],
  options: [
    { name: 'drain', help: 'let windows and timers fire as at the end of input' },
    { name: 'savepoint', value: 'DIR', help: 'write the last checkpoint to DIR as well, as savepoint does' },
    { name: 'timeout', value: 'TIME', help: 'how long to wait for its end (default 30s)' },
    ...common,
  ],
  run: stop,
}

async function stop(line: CommandLine, outputs: Outputs): Promise<ExitCode> {
  const savepoint = line.value('savepoint')
  const job = await clientOf(nodePlatform().fs, line.operand, line.value('job'), true)
  if (line.has('drain') && savepoint !== undefined) {
    throw new MillraceError(
      'OPTION_INVALID',
      'give --drain or --savepoint: a drained job has no state to save',
    )
  }
  const timeoutMs = positiveDurationMs(line.value('timeout') ?? '30s', '--timeout')
  const action: Action = line.has('drain')
    ? { action: 'drain' }
    : { action: 'stop', ...(savepoint === undefined ? {} : { savepoint }) }
  const result = await job.act(action)
  const { clock } = nodePlatform()
  const until = clock.monotonic() + timeoutMs
  while (await isRunning(job)) {
    if (clock.monotonic() >= until) {
      throw new MillraceError(
        'STOP_TIMEOUT',
        `the job did not end within ${line.value('timeout') ?? '30s'}; it is still stopping`,
      )
    }
    await sleep(clock, 100)
  }
  print(line, outputs, result, () => 'the job has ended\n')
  return exitCodes.done
}

/** A job that has ended no longer answers, or says so. */
async function isRunning(job: JobClient): Promise<boolean> {
  try {
    if (job.isWhole) return (await job.get<PartList>('parts')).job === job.job
    return (await job.get<JobOverview>('job')).outcome === null
  } catch {
    return false
  }
}

const followEveryMs = 500

/** `millrace events` and `millrace logs`: what has happened. */
export const eventsCommand: Command = {
  name: 'events',
  operand: target,
  summary: 'list what has happened to a running job',
  details: where,
  options: [
    { name: 'follow', help: 'continue with new events, until it is stopped' },
    { name: 'kind', value: 'KIND', help: 'only events of one kind, as failed or checkpointCompleted' },
    ...common,
  ],
  run: (line, outputs) =>
    list(line, outputs, async (job, after) => {
      const page = await job.get<EventPage>('events', {}, { after, kind: line.value('kind') })
      return { rows: page.events, last: page.last, text: page.events.map(eventText) }
    }),
}

export const logsCommand: Command = {
  name: 'logs',
  operand: target,
  summary: 'show the log of a running job',
  details: where,
  options: [
    { name: 'follow', help: 'continue with new lines, until it is stopped' },
    { name: 'level', value: 'LEVEL', help: 'only from debug, info, warning or error on' },
    ...common,
  ],
  run: (line, outputs) =>
    list(line, outputs, async (job, after) => {
      const page = await job.get<LogPage>('logs', {}, { after, level: line.value('level') })
      return { rows: page.lines, last: page.last, text: page.lines.map(lineText) }
    }),
}

interface Listed {
  readonly rows: readonly object[]
  readonly text: readonly string[]
  readonly last: number
}

async function list(
  line: CommandLine,
  { stdout }: Outputs,
  read: (job: JobClient, after: number) => Promise<Listed>,
): Promise<ExitCode> {
  const job = await client(line)
  let after = 0
  for (;;) {
    const { rows, text, last } = await read(job, after)
    const lines = line.has('json') ? rows.map((row) => JSON.stringify(row)) : text
    stdout.write(lines.map((each) => `${each}\n`).join(''))
    after = last
    if (rows.length > 0) continue
    if (!line.has('follow')) return exitCodes.done
    await sleep(nodePlatform().clock, followEveryMs)
  }
}
