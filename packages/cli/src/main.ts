import { systemClock } from '@millrace/world'
import { MillraceError, nearest } from '@millrace/core'
import { checkpointsCommand } from './checkpoints-command.ts'
import { readCommandLine, type Command } from './command.ts'
import { completionCommand } from './completion-command.ts'
import { dlqCommand } from './dlq-command.ts'
import { explainCommand } from './explain-command.ts'
import { exitCodeOf } from './error-exit-code.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import { commandHelp, generalHelp } from './help.ts'
import { LogLines } from './log-lines.ts'
import type { Outputs } from './outputs.ts'
import { planCommand } from './plan-command.ts'
import {
  doctorCommand,
  eventsCommand,
  logsCommand,
  pauseCommand,
  resumeCommand,
  savepointCommand,
  statusCommand,
  stopCommand,
} from './job-commands.ts'
import { peekCommand } from './peek-command.ts'
import { profileCommand } from './profile-command.ts'
import { resetCommand } from './reset-command.ts'
import { runCommand } from './run-command.ts'
import { stateCommand } from './state-command.ts'
import { simulateCommand } from './simulate-command.ts'
import type { Signals } from './signals.ts'
import { version } from './version.ts'

const commands: readonly Command[] = [
  runCommand,
  explainCommand,
  planCommand,
  checkpointsCommand,
  resetCommand,
  dlqCommand,
  statusCommand,
  doctorCommand,
  profileCommand,
  peekCommand,
  eventsCommand,
  logsCommand,
  stopCommand,
  savepointCommand,
  pauseCommand,
  resumeCommand,
  stateCommand,
  simulateCommand,
  completionCommand(() => commands),
]

/** The implementation of `main` and `launch`, once everything is loaded. */
export async function runCommandLine(
  args: readonly string[],
  outputs: Outputs,
  signals: Signals,
): Promise<ExitCode> {
  try {
    return await dispatch(args, outputs, signals)
  } catch (error) {
    new LogLines(outputs.stderr, systemClock, args.includes('--json')).error(error)
    return exitCodeOf(error)
  }
}

async function dispatch(args: readonly string[], outputs: Outputs, signals: Signals): Promise<ExitCode> {
  const [name, ...rest] = args
  const asksForHelp = (word: string | undefined): boolean => word === '--help' || word === '-h'
  if (name === '--version' || name === '-v') {
    outputs.stdout.write(`${version()}\n`)
    return exitCodes.done
  }
  if (name === undefined || asksForHelp(name) || name === 'help') {
    outputs.stdout.write(generalHelp(commands))
    return name === undefined ? exitCodes.usage : exitCodes.done
  }
  const command = commands.find((each) => each.name === name)
  if (command === undefined) throw unknown(name)
  if (rest.some(asksForHelp)) {
    outputs.stdout.write(commandHelp(command))
    return exitCodes.done
  }
  if (command.isStoppedBySignals !== true) signals.release()
  return command.run(readCommandLine(command, rest), outputs, signals)
}

function unknown(name: string): MillraceError {
  const names = commands.map((command) => command.name)
  const meant = nearest(name, [...names, '--version', '--help'])
  const advice = meant === undefined ? `it knows ${names.join(', ')}` : `did you mean '${meant}'?`
  return new MillraceError('OPTION_INVALID', `millrace has no command '${name}'; ${advice}`)
}
