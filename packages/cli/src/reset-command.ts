import { MillraceError, type Json } from '@millrace/core'
import {
  planReset,
  resetJob,
  undoReset,
  type ResetPlan,
  type ResetRequest,
  type SplitPosition,
} from '@millrace/core/job'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import type { Command, CommandLine } from './command.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import type { Outputs } from './outputs.ts'
import { printable } from './printable.ts'

/** `millrace reset`: lets a job that does not run forget positions and state. */
export const resetCommand: Command = {
  name: 'reset',
  operand: 'DATA_DIR',
  summary: 'let a stopped job forget positions or state, to read its input again',
  details: [
    'Prints what changes for each part. With --yes it writes a checkpoint after the newest one, from',
    'which the next start leaves out what is named. Without it nothing is changed. It is refused while',
    'the job runs.',
    '',
    'A source whose positions are forgotten is read from where the program begins: the start of its',
    'files, or the option from of Kafka and NATS, which may be a time. --undo takes a reset back, as',
    'long as the job has not been started since. Results that were written stay written.',
  ],
  options: [
    { name: 'all', help: 'forget the positions of all sources and the state of all operators' },
    { name: 'source', value: 'NAME', help: 'forget the positions of a source; may be repeated' },
    {
      name: 'state',
      value: 'NAME',
      help: 'forget the state of OPERATOR, or OPERATOR/PIECE; may be repeated',
    },
    {
      name: 'position',
      value: 'SOURCE/SPLIT=JSON',
      help: 'read a split from this position; may be repeated',
    },
    { name: 'backup', value: 'DIR', help: 'first write a savepoint of the checkpoint there' },
    { name: 'undo', help: 'take the last reset back' },
    { name: 'yes', help: 'do it' },
    { name: 'json', help: 'print the plan as JSON' },
  ],
  run,
}

async function run(line: CommandLine, outputs: Outputs): Promise<ExitCode> {
  const place = {
    platform: nodePlatform(),
    directory: line.operand,
    waiting: (owner: string, leaseMs: number) =>
      void outputs.stderr.write(
        `${printable(`waiting up to ${Math.ceil(leaseMs / 1_000)} s for a sign of life of ${owner}`)}\n`,
      ),
  }
  if (line.has('undo')) {
    const { from, to } = await undoReset(place)
    outputs.stdout.write(`the reset is taken back: checkpoint ${to} has the content of checkpoint ${from}\n`)
    return exitCodes.done
  }
  const request = requestOf(line)
  const backup = line.value('backup')
  const plan = line.has('yes')
    ? await resetJob(
        place,
        request,
        backup === undefined ? undefined : { directory: backup, store: memoryStore() },
      )
    : await planReset(place, request)
  if (line.has('json')) outputs.stdout.write(`${JSON.stringify({ ...plan, isDone: line.has('yes') })}\n`)
  else outputs.stdout.write(textOf(plan, line))
  return exitCodes.done
}

function requestOf(line: CommandLine): ResetRequest {
  return {
    everything: line.has('all'),
    sources: line.values('source'),
    state: line.values('state'),
    positions: line.values('position').map(positionOf),
  }
}

/** Names of splits may contain anything, so the position is the longest end that is JSON. */
function positionOf(given: string): SplitPosition {
  const slash = given.indexOf('/')
  for (let at = given.indexOf('=', slash); slash > 0 && at > 0; at = given.indexOf('=', at + 1)) {
    const position = jsonOf(given.slice(at + 1))
    if (position !== undefined) {
      return { source: given.slice(0, slash), split: given.slice(slash + 1, at), position }
    }
  }
  throw new MillraceError(
    'OPTION_INVALID',
    `--position ${given} is not SOURCE/SPLIT=JSON, as payments/0=1200; millrace checkpoints prints the positions of splits`,
  )
}

function jsonOf(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

function textOf({ from, to, changes, notes }: ResetPlan, line: CommandLine): string {
  const width = Math.max(...changes.map(({ part }) => part.length))
  const verdict = line.has('yes')
    ? `checkpoint ${to} says so to the next start; --undo takes it back until then`
    : `nothing was changed; add --yes to write this after checkpoint ${from}`
  const rows = changes.map(({ part, effect }) => `${part.padEnd(width)}  ${effect}`)
  return [...rows, ...notes, verdict].map((text) => `${printable(text)}\n`).join('')
}
