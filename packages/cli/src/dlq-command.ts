import { MillraceError, nearest } from '@millrace/core'
import type { Fs } from '@millrace/core/disk'
import { DataDirectory, type JobOptions } from '@millrace/core/job'
import { queueLetters, readLetters, removeLetters, type KeptLetter } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import type { CommandLine, Command } from './command.ts'
import { rehearse } from './dlq-rehearsal.ts'
import { groupsText, letterText, listText, lettersCount, rehearsalText } from './dlq-text.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import type { Outputs } from './outputs.ts'
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
    'outcome is shown. drop removes them.',
  ],
  options: [
    ...jobOptionList.filter(({ name }) => shared.has(name)),
    { name: 'log', value: 'NAME', help: 'only letters of deadLetter(NAME)' },
    { name: 'operator', value: 'NAME', help: 'only letters of this operator, source or sink' },
    { name: 'code', value: 'CODE', help: 'only letters with this error code' },
    { name: 'id', value: 'ID', help: 'only this letter; may be repeated' },
    { name: 'limit', value: 'N', help: 'at most so many, the oldest' },
    { name: 'all', help: 'needed to drop letters that no other option selects' },
    { name: 'rehearse', help: 'for redrive: try it on a copy, and change nothing' },
    { name: 'json', help: 'print letters as JSON, one a line' },
  ],
  run,
}

/** A letter, and the name of its log. */
interface Selected {
  readonly log: string
  readonly letter: KeptLetter
}

async function run(line: CommandLine, outputs: Outputs): Promise<ExitCode> {
  const platform = nodePlatform()
  const options = jobOptionsFrom(line, await loadPipeline(line.operand), platform)
  const selected = await lettersOf(line, options, platform.fs)
  const letters = selected.map(({ letter }) => letter)
  const print = (text: string): void => void outputs.stdout.write(text)
  switch (line.action) {
    case 'redrive':
      return redrive(line, options, selected, print)
    case 'drop':
      await drop(line, options, platform.fs, selected)
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
async function lettersOf(line: CommandLine, options: JobOptions, fs: Fs): Promise<readonly Selected[]> {
  const [ids, operator, code] = [new Set(line.values('id')), line.value('operator'), line.value('code')]
  const found: Selected[] = []
  for (const log of logsOf(line, options)) {
    for (const letter of await readLetters(fs, new DataDirectory(options.directory).connector(log))) {
      if (ids.size > 0 && !ids.has(letter.id)) continue
      if ((operator ?? letter.operator) !== letter.operator || (code ?? letter.code) !== letter.code) continue
      found.push({ log, letter })
    }
  }
  const limit = line.value('limit')
  return limit === undefined ? found : found.slice(0, wholeNumber('limit', limit, 1))
}

function logsOf(line: CommandLine, { graph }: JobOptions): readonly string[] {
  const logs = graph.nodes.flatMap((node) =>
    node.kind === 'sink' && node.sink.kind === 'dead-letters' ? [node.name] : [],
  )
  if (logs.length === 0) {
    throw new MillraceError(
      'OPTION_INVALID',
      `pipeline '${graph.name}' keeps no dead letters in its data directory; set onError: deadLetter(name), without a sink`,
    )
  }
  const log = line.value('log')
  if (log === undefined) return logs
  if (logs.includes(log)) return [log]
  const meant = nearest(log, logs)
  throw new MillraceError(
    'OPTION_INVALID',
    `--log is ${log}, and the pipeline has ${logs.join(', ')}${meant === undefined ? '' : `; did you mean ${meant}?`}`,
  )
}

async function drop(
  line: CommandLine,
  options: JobOptions,
  fs: Fs,
  selected: readonly Selected[],
): Promise<void> {
  const isChosen = ['id', 'operator', 'code', 'log', 'limit', 'all'].some((name) => line.has(name))
  if (!isChosen) {
    throw new MillraceError(
      'OPTION_INVALID',
      'dlq drop: select letters, for example with --code, or give --all',
    )
  }
  await removeFrom(options, fs, selected)
}

async function removeFrom(options: JobOptions, fs: Fs, selected: readonly Selected[]): Promise<void> {
  for (const log of new Set(selected.map((each) => each.log))) {
    const ids = selected.filter((each) => each.log === log).map(({ letter }) => letter.id)
    await removeLetters(fs, new DataDirectory(options.directory).connector(log), new Set(ids))
  }
}

/** After so many redrives a letter is redriven only if it is named by its id, so that scripts do not repeat it without end. */
const redrivesMax = 5

/** Why a letter is not redriven; undefined if it is. */
function obstacle({ graph }: JobOptions, letter: KeptLetter, isNamed: boolean): string | undefined {
  const source = graph.nodes.find((node) => node.kind === 'source' && node.name === letter.source)
  if (letter.raw === null || letter.source === null) return 'has no bytes of its record'
  if (letter.code === 'RECORD_TOO_LARGE') return 'has only the beginning of its record'
  if (source?.kind !== 'source') return `is of source '${letter.source}', which the pipeline no longer has`
  if (source.source.decode === undefined)
    return `is of source '${letter.source}', which cannot decode single records`
  if (letter.redrives >= redrivesMax && !isNamed)
    return `was redriven ${letter.redrives} times; name it with --id`
  return undefined
}

async function redrive(
  line: CommandLine,
  options: JobOptions,
  selected: readonly Selected[],
  print: (text: string) => void,
): Promise<ExitCode> {
  const able: Selected[] = []
  for (const each of selected) {
    const why = obstacle(options, each.letter, line.has('id'))
    if (why === undefined) able.push(each)
    else print(`${each.letter.id} ${why}; it stays\n`)
  }
  const letters = able.map(({ letter }) => letter)
  if (line.has('rehearse')) {
    const result = await rehearse(options, letters)
    print(rehearsalText(letters.length, result))
    return result.failed.length === 0 && result.error === undefined ? exitCodes.done : exitCodes.failed
  }
  const { fs } = options.platform
  for (const source of new Set(letters.map((letter) => letter.source!))) {
    const own = letters.filter((letter) => letter.source === source)
    await queueLetters(fs, new DataDirectory(options.directory).connector(source), own)
    print(
      `${lettersCount(own.length)} queued for '${source}', which the job reads at its next start, or soon if it runs\n`,
    )
  }
  await removeFrom(options, fs, able)
  if (letters.length === 0) print('no letters to redrive\n')
  return exitCodes.done
}
