import { writeFile } from 'node:fs/promises'
import { MillraceError } from '@millrace/core'
import type { JobProfile } from '@millrace/control/contract'
import { nodePlatform } from '@millrace/node'
import type { Command, CommandLine } from './command.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import { clientOf } from './job-client.ts'
import type { Outputs } from './outputs.ts'
import { printable } from './printable.ts'
import { profileText } from './profile-text.ts'
import { wholeNumber } from './run-options.ts'

/** `millrace profile`: what each part of a running job costs. */
export const profileCommand: Command = {
  name: 'profile',
  operand: 'URL|DATA_DIR',
  summary: 'show what CPU each operator of a running job needs',
  details: [
    'The job must run with --control. Give the address of its control API, or its data directory.',
    'With a token, set MILLRACE_CONTROL_TOKEN.',
    '',
    'Samples what all threads of the job run, prints CPU time and state of each operator and what each',
    'subtask does, and writes a .cpuprofile for each thread: a flame graph in the developer tools of a',
    'browser and in speedscope, with the operators at its base. The job is some percent slower meanwhile.',
  ],
  options: [
    { name: 'seconds', value: 'N', help: 'how long, 1 to 60 (default 10)' },
    { name: 'out', value: 'FILE', help: 'the profile to write (default JOB.cpuprofile)' },
    { name: 'job', value: 'NAME', help: 'the pipeline, if several run there' },
    { name: 'json', help: 'print JSON, without the profiles' },
  ],
  run,
}

async function run(line: CommandLine, { stdout }: Outputs): Promise<ExitCode> {
  const given = line.value('seconds') ?? '10'
  const seconds = wholeNumber('seconds', given, 1)
  if (seconds > 60) {
    throw new MillraceError('OPTION_INVALID', `--seconds is ${given}. Give an integer from 1 to 60`)
  }
  const job = await clientOf(nodePlatform().fs, line.operand, line.value('job'))
  const profile = await job.get<JobProfile>('profile', {}, { seconds })
  const files = await writeFiles(line.value('out') ?? `${fileName(job.job)}.cpuprofile`, profile)
  if (line.has('json')) {
    const threads = profile.threads.map(({ thread, cpuMs, idleMs }, at) => ({
      thread,
      cpuMs,
      idleMs,
      file: files[at],
    }))
    stdout.write(`${JSON.stringify({ ...profile, threads })}\n`)
  } else {
    stdout.write(profileText(profile))
    stdout.write(files.map((file) => `${printable(`wrote ${file}`)}\n`).join(''))
  }
  return exitCodes.done
}

/** A pipeline may have any name. */
function fileName(job: string): string {
  return job.replaceAll(/[^A-Za-z0-9._-]/g, '_')
}

/** Writes a file for each thread: the main one gets the name, the others have theirs before its ending. */
async function writeFiles(name: string, { threads }: JobProfile): Promise<readonly string[]> {
  const files = threads.map(({ thread }) =>
    thread === 'main' ? name : name.replace(/(\.[^./\\]*)?$/, (ending) => `.${fileName(thread)}${ending}`),
  )
  for (const [at, { profile }] of threads.entries()) await writeFile(files[at]!, JSON.stringify(profile))
  return files
}
