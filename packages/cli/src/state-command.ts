import { MillraceError } from '@millrace/core'
import type { StateEntry } from '@millrace/control/contract'
import { nodePlatform } from '@millrace/node'
import type { Command, CommandLine } from './command.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import { clientOf, isJobThere } from './job-client.ts'
import type { Outputs } from './outputs.ts'
import { printable } from './printable.ts'
import { wholeNumber } from './run-options.ts'
import { differences, type StateDifference } from './state-diff.ts'
import {
  CheckpointedState,
  RunningState,
  type GivenKey,
  type StatePlace,
  type StateSelection,
} from './state-places.ts'

/** `millrace state`: what the operators of a job keep, while it runs or in a checkpoint. */
export const stateCommand: Command = {
  name: 'state',
  actions: ['ls', 'get', 'export', 'diff'],
  operand: 'URL|DATA_DIR',
  summary: 'show what operators keep: in a running job, or in a checkpoint',
  details: [
    'Give the address of the control API of a running job, or a data directory or savepoint. Of a',
    'data directory whose job runs with --control it shows what the job holds now, otherwise its',
    'newest checkpoint. With --committed or --checkpoint it reads the directory in any case. That',
    'needs no program and no running job, changes nothing, and may be done beside the job.',
    'With a token, set MILLRACE_CONTROL_TOKEN.',
    '',
    'ls lists the operators with state. get prints what one keeps for a key. export prints everything',
    'it keeps, a JSON object a line; what changes in a running job meanwhile may be seen or not.',
    'diff prints which values were added (+), removed (-) and changed (~) since another checkpoint:',
    'the one before, or that of --against.',
  ],
  options: [
    { name: 'operator', value: 'NAME', help: 'the operator, for get and export; for diff only this one' },
    { name: 'key', value: 'KEY', help: 'the key, as text' },
    { name: 'json-key', value: 'JSON', help: 'the key, as JSON: 7, or {"card":7}' },
    { name: 'table', value: 'NAME', help: 'only one piece of its state' },
    { name: 'prefix', value: 'TEXT', help: 'for export: only keys that begin so' },
    { name: 'limit', value: 'N', help: 'for export: at most so many values' },
    { name: 'committed', help: 'read the newest checkpoint' },
    { name: 'checkpoint', value: 'N', help: 'read this checkpoint of the directory' },
    {
      name: 'against',
      value: 'N|DIR',
      help: 'for diff: a checkpoint of the directory, or another directory',
    },
    { name: 'job', value: 'NAME', help: 'the pipeline, if several run there' },
    { name: 'json', help: 'print JSON' },
  ],
  run,
}

async function run(line: CommandLine, outputs: Outputs): Promise<ExitCode> {
  if (line.action === 'diff') await diff(line, outputs)
  else {
    const place = await placeOf(line, outputs)
    if (line.action === 'ls') await list(line, outputs, place)
    else if (line.action === 'get') await get(line, outputs, place)
    else await exportAll(line, outputs, place)
  }
  return exitCodes.done
}

function isAddress(operand: string): boolean {
  return /^https?:\/\//.test(operand)
}

function checkpointOf(line: CommandLine): number | undefined {
  const given = line.value('checkpoint')
  if (given === undefined) return undefined
  if (isAddress(line.operand)) {
    throw new MillraceError(
      'OPTION_INVALID',
      `--checkpoint ${given} needs a data directory; ${line.operand} is the address of a running job, which tells of its newest only (--committed)`,
    )
  }
  return wholeNumber('checkpoint', given, 1)
}

async function placeOf(line: CommandLine, { stderr }: Outputs): Promise<StatePlace> {
  const { fs } = nodePlatform()
  const { operand } = line
  const checkpoint = checkpointOf(line)
  const isAsked = checkpoint !== undefined || line.has('committed')
  if (isAddress(operand)) {
    return new RunningState(await clientOf(fs, operand, line.value('job'), true), line.has('committed'))
  }
  if (!isAsked && (await isJobThere(fs, operand))) {
    return new RunningState(await clientOf(fs, operand, line.value('job'), true), false)
  }
  if (!isAsked) {
    stderr.write(
      printable(`no job with a control API runs in ${operand}: this is its newest checkpoint`) + '\n',
    )
  }
  return new CheckpointedState(operand, checkpoint)
}

async function list(line: CommandLine, { stdout }: Outputs, place: StatePlace): Promise<void> {
  const { json, lines } = await place.list()
  if (line.has('json')) stdout.write(`${JSON.stringify(json)}\n`)
  else stdout.write(lines.map((text) => `${printable(text)}\n`).join(''))
}

async function get(line: CommandLine, { stdout }: Outputs, place: StatePlace): Promise<void> {
  const answer = await place.ofKey(selectionOf(line), keyOf(line))
  if (line.has('json')) stdout.write(`${JSON.stringify(answer)}\n`)
  else stdout.write(answer.entries.length === 0 ? 'nothing\n' : answer.entries.map(textOf).join(''))
}

async function exportAll(line: CommandLine, { stdout }: Outputs, place: StatePlace): Promise<void> {
  for await (const entries of place.pages(selectionOf(line))) {
    stdout.write(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
  }
}

async function diff(line: CommandLine, { stdout }: Outputs): Promise<void> {
  if (isAddress(line.operand)) {
    throw new MillraceError('OPTION_INVALID', 'state diff compares checkpoints; give a data directory')
  }
  const selected = { operator: line.value('operator'), table: line.value('table') }
  const counts = { added: 0, removed: 0, changed: 0 }
  const place = new CheckpointedState(line.operand, checkpointOf(line))
  await place.reading(async (after) =>
    olderOf(line, after.manifest.checkpoint).reading(async (before) => {
      for await (const difference of differences(before, after, selected)) {
        counts[difference.change]++
        stdout.write(line.has('json') ? `${JSON.stringify(difference)}\n` : differenceText(difference))
      }
    }),
  )
  const { added, removed, changed } = counts
  if (!line.has('json')) stdout.write(`${added} added, ${removed} removed, ${changed} changed\n`)
}

/** The checkpoint that another one is compared with. */
function olderOf(line: CommandLine, checkpoint: number): CheckpointedState {
  const against = line.value('against') ?? String(checkpoint - 1)
  if (/^\d+$/.test(against)) return new CheckpointedState(line.operand, Number(against))
  return new CheckpointedState(against, undefined)
}

const signs: Readonly<Record<StateDifference['change'], string>> = { added: '+', removed: '-', changed: '~' }

function differenceText({ operator, change, table, key, inner, before, after }: StateDifference): string {
  const at = inner === null ? '' : ` ${JSON.stringify(inner)}`
  const values = [...(change === 'added' ? [] : [before]), ...(change === 'removed' ? [] : [after])]
  const shown = values.map((value) => JSON.stringify(value)).join(' -> ')
  return `${printable(`${signs[change]} ${operator} ${JSON.stringify(key)} ${table}${at}: ${shown}`)}\n`
}

function keyOf(line: CommandLine): GivenKey {
  const [text, json] = [line.value('key'), line.value('json-key')]
  if (text !== undefined) return { text }
  if (json !== undefined) return { json }
  throw new MillraceError('OPTION_INVALID', 'state get: --key KEY or --json-key JSON is missing')
}

function selectionOf(line: CommandLine): StateSelection {
  const operator = line.value('operator')
  if (operator === undefined) {
    throw new MillraceError(
      'OPTION_INVALID',
      `state ${line.action}: --operator NAME is missing; state ls lists them`,
    )
  }
  const limit = line.value('limit')
  return {
    operator,
    table: line.value('table'),
    prefix: line.value('prefix'),
    limit: limit === undefined ? Number.POSITIVE_INFINITY : wholeNumber('limit', limit, 1),
  }
}

function textOf({ table, inner, value }: StateEntry): string {
  const at = inner === null ? '' : ` ${JSON.stringify(inner)}`
  return `${printable(`${table}${at}: ${JSON.stringify(value)}`)}\n`
}
