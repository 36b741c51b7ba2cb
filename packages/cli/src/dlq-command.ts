import { sleep } from '@millrace/world'
import { MillraceError } from '@millrace/core'
import type { JobOptions } from '@millrace/core/job'
import {
  dropLetters,
  lettersOf,
  redrivableOf,
  redriveLetters,
  rehearse,
  type LoggedLetter,
} from '@millrace/control/letters'
import { nodePlatform } from '@millrace/node'
import type { CommandLine, Command } from './command.ts'
import { groupsText, letterText, listText, lettersCount, rehearsalText } from './dlq-text.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import type { Outputs } from './outputs.ts'
import { redriveRate, turnsOf } from './redrive-rate.ts'
import { loadPipeline } from './pipeline-loader.ts'
import { jobOptionList, jobOptionsFrom, wholeNumber } from './run-options.ts'

const shared = new Set(['parameter', 'data-dir'])

/** `millrace dlq`: the dead letters that a job keeps in its data directory. */
export const dlqCommand: Command = {
  name: 'dlq',
  actions: ['list', 'show', 'group', 'redrive', 'drop'],
  operand: 'FILE.ts',
  summary: 'list dead letters, and send them through the pipeline again',
  details: [
    'Works on the dead letters that deadLetter(NAME) keeps in the data directory, also while the',
    'job runs. list has a line for each, show prints all of each, group counts equal ones.',
    '',
    'redrive puts them into the queue of their source and removes them: the job reads them at its',
    'next start, or soon if it runs. With --rehearse they run through the pipeline on a copy of',
    'the data directory, with sinks that write nothing (calls of mapAsync are made), and the',
    'outcome is shown. With --rate the command runs as long as that takes; when it is stopped, the',
    'rest stays. drop removes them.',
  ],
  options: [
    ...jobOptionList.filter(({ name }) => shared.has(name)),
    { name: 'log', value: 'NAME', help: 'only letters of deadLetter(NAME)' },
    { name: 'operator', value: 'NAME', help: 'only letters of this operator, source or sink' },
    { name: 'code', value: 'CODE', help: 'only letters with this error code' },
    { name: 'id', value: 'ID', help: 'only this letter; may be repeated' },
    { name: 'message', value: 'TEXT', help: 'only letters whose message contains TEXT' },
    { name: 'limit', value: 'N', help: 'at most so many, the oldest' },
    { name: 'all', help: 'needed to drop letters that no other option selects' },
    { name: 'rate', value: 'N/s', help: 'for redrive: so many in a second (/s), minute (/m) or hour (/h)' },
    { name: 'rehearse', help: 'for redrive: try it on a copy, and change nothing' },
    { name: 'json', help: 'print letters as JSON, one a line' },
  ],
  run,
}

async function run(line: CommandLine, outputs: Outputs): Promise<ExitCode> {
  const platform = nodePlatform()
  const options = jobOptionsFrom(line, await loadPipeline(line.operand), platform)
  const selected = await selectedBy(line, options)
  const letters = selected.map(({ letter }) => letter)
  const print = (text: string): void => void outputs.stdout.write(text)
  switch (line.action) {
    case 'redrive':
      return redrive(line, options, selected, print)
    case 'drop':
      await drop(line, options, selected)
      print(`dropped ${lettersCount(letters.length)}\n`)
      return exitCodes.done
    case 'group':
      print(groupsText(letters))
      return exitCodes.done
    default:
      if (line.has('json')) print(letters.map((letter) => `${JSON.stringify(letter)}\n`).join(''))
      else print(line.action === 'show' ? letters.map(letterText).join('\n') : listText(letters))
      return exitCodes.done
  }
}

/** The letters that the options select, oldest first in each log. */
async function selectedBy(line: CommandLine, options: JobOptions): Promise<readonly LoggedLetter[]> {
  const found = await lettersOf(options, {
    log: line.value('log'),
    operator: line.value('operator'),
    code: line.value('code'),
    ids: line.values('id'),
    message: line.value('message'),
  })
  const limit = line.value('limit')
  return limit === undefined ? found : found.slice(0, wholeNumber('limit', limit, 1))
}

async function drop(
  line: CommandLine,
  options: JobOptions,
  selected: readonly LoggedLetter[],
): Promise<void> {
  const isChosen = ['id', 'operator', 'code', 'message', 'log', 'limit', 'all'].some((name) => line.has(name))
  if (!isChosen) {
    throw new MillraceError(
      'OPTION_INVALID',
      'dlq drop: select letters, for example with --code, or give --all',
    )
  }
  await dropLetters(options, selected)
}

async function redrive(
  line: CommandLine,
  options: JobOptions,
  selected: readonly LoggedLetter[],
  print: (text: string) => void,
): Promise<ExitCode> {
  const { able, refused } = redrivableOf(options, selected, line.has('id'))
  for (const { id, why } of refused) print(`${id} ${why}; it stays\n`)
  if (line.has('rehearse')) {
    const letters = able.map(({ letter }) => letter)
    const result = await rehearse(options, letters)
    print(rehearsalText(letters.length, result))
    return result.failed.length === 0 && result.error === undefined ? exitCodes.done : exitCodes.failed
  }
  const rate = line.value('rate')
  const { size, everyMs } = rate === undefined ? { size: Infinity, everyMs: 0 } : turnsOf(redriveRate(rate))
  for (let at = 0; at < able.length; at += size) {
    if (at > 0) await sleep(options.platform.clock, everyMs)
    for (const [source, count] of await redriveLetters(options, able.slice(at, at + size))) {
      print(
        `${lettersCount(count)} queued for '${source}', which the job reads at its next start, or soon if it runs\n`,
      )
    }
  }
  if (able.length === 0) print('no letters to redrive\n')
  return exitCodes.done
}
