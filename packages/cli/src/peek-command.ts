import { MillraceError, nearest } from '@millrace/core'
import type { PeekOptions } from '@millrace/control/client'
import type { JobGraph, PeekEnd, PeekProgress, PeekRecord } from '@millrace/control/contract'
import { nodePlatform } from '@millrace/node'
import type { Command, CommandLine } from './command.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import { clientOf, type JobClient } from './job-client.ts'
import type { Outputs } from './outputs.ts'
import { printable } from './printable.ts'
import { wholeNumber } from './run-options.ts'
import { dateText } from './status-text.ts'

/** `millrace peek`: records that flow in a running job. */
export const peekCommand: Command = {
  name: 'peek',
  operand: 'URL|DATA_DIR',
  second: 'OPERATOR',
  summary: 'show records that an operator of a running job emits',
  details: [
    'The job must run with --control. Give the address of its control API, or its data directory.',
    'With a token, set MILLRACE_CONTROL_TOKEN.',
    '',
    'Shows a sample of the records that leave OPERATOR, in all its subtasks, as they pass; for a sink',
    'those that it reads. Each line has the time, the subtask, the key, the event time, the value and the',
    'headers. Long values are cut. What the job hides with --redact is ***, and so are keys then.',
  ],
  options: [
    { name: 'key', value: 'KEY', help: 'only records of this key, as text' },
    { name: 'json-key', value: 'JSON', help: 'only records of this key, as JSON: 7, or {"card":7}' },
    { name: 'output', value: 'NAME', help: 'a side output of the operator' },
    { name: 'limit', value: 'N', help: 'end after so many records (default 1000)' },
    { name: 'rate', value: 'N', help: 'so many records a second at most, 1 to 100 (default 10)' },
    { name: 'seconds', value: 'N', help: 'end after so long, 1 to 600 (default 30)' },
    { name: 'job', value: 'NAME', help: 'the pipeline, if several run there' },
    { name: 'json', help: 'print a JSON object a line' },
  ],
  run,
}

async function run(line: CommandLine, { stdout, stderr }: Outputs): Promise<ExitCode> {
  const job = await clientOf(nodePlatform().fs, line.operand, line.value('job'))
  const operator = await operatorOf(line, job)
  let last: PeekProgress | PeekEnd | undefined
  const onProgress = (progress: PeekProgress | PeekEnd): void => {
    last = progress
  }
  for await (const record of job.peek(operator, { ...optionsOf(line), onProgress })) {
    stdout.write(line.has('json') ? `${JSON.stringify(record)}\n` : recordText(record))
  }
  stderr.write(`${printable(summary(line, last))}\n`)
  return exitCodes.done
}

/** The operator that is given. Throws with the names of all where there is none of this name. */
async function operatorOf(line: CommandLine, job: JobClient): Promise<string> {
  const { operators } = await job.get<JobGraph>('graph')
  const names = operators.map(({ id }) => id)
  const given = line.second
  if (given !== undefined && names.includes(given)) return given
  const meant = given === undefined ? undefined : nearest(given, names)
  const what = given === undefined ? 'OPERATOR is missing' : `'${job.job}' has no operator '${given}'`
  const advice = meant === undefined ? `it has ${names.join(', ')}` : `did you mean '${meant}'?`
  throw new MillraceError('OPTION_INVALID', `millrace peek: ${what}; ${advice}`)
}

function optionsOf(line: CommandLine): PeekOptions {
  const number = (name: string): object => {
    const given = line.value(name)
    return given === undefined ? {} : { [name]: wholeNumber(name, given, 1) }
  }
  const output = line.value('output')
  return {
    ...keyOf(line),
    ...(output === undefined ? {} : { output }),
    ...number('limit'),
    ...number('rate'),
    ...number('seconds'),
  }
}

function keyOf(line: CommandLine): { readonly key?: unknown } {
  const [text, json] = [line.value('key'), line.value('json-key')]
  if (text !== undefined) return { key: text }
  if (json === undefined) return {}
  try {
    return { key: JSON.parse(json) as unknown }
  } catch {
    throw new MillraceError('OPTION_INVALID', `--json-key is ${json}, which is no JSON; --key takes text`)
  }
}

function recordText({ subtask, at, time, headers, value, ...record }: PeekRecord): string {
  const parts = [
    dateText(at),
    `#${subtask}`,
    ...('key' in record ? [`key ${JSON.stringify(record.key)}`] : []),
    ...(time === null ? [] : [`event time ${dateText(time)}`]),
    JSON.stringify(value),
    ...(Object.keys(headers).length === 0 ? [] : [`headers ${JSON.stringify(headers)}`]),
  ]
  return `${printable(parts.join('  '))}\n`
}

function summary(line: CommandLine, last: PeekProgress | PeekEnd | undefined): string {
  const { seen = 0, matched = 0, shown = 0 } = last ?? {}
  const isOfKey = line.has('key') || line.has('json-key')
  const of = isOfKey ? `${matched} of this key, and ${seen}` : String(seen)
  const reason = last !== undefined && 'reason' in last ? last.reason : 'job'
  const why = reason === 'job' ? '; the job has ended' : ''
  const hint =
    line.has('key') && seen > 0 && matched === 0 ? '. For a key that is no text use --json-key' : ''
  return `${shown} records shown of ${of} that passed${why}${hint}`
}
