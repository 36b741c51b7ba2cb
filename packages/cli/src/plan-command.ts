import { planStart, type PartPlan, type RestorePlan } from '@millrace/core/job'
import { nodePlatform } from '@millrace/node'
import type { CommandLine, Command } from './command.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import type { Outputs } from './outputs.ts'
import { loadPipeline } from './pipeline-loader.ts'
import { printable } from './printable.ts'
import { jobOptionList, jobOptionsFrom, planOptions } from './run-options.ts'

/** `millrace plan`: shows what a start would do with the state of an earlier program. */
export const planCommand: Command = {
  name: 'plan',
  operand: 'FILE.ts',
  summary: 'show what a changed pipeline would do with existing state',
  details: [
    'Compares the pipeline with the newest checkpoint in its data directory, and shows what a',
    'start would do with the state of each operator, source and sink. Exits with 5 if a start',
    'would be refused. Changes nothing, and may be used before a deploy, while the old program',
    'runs.',
  ],
  options: [
    ...jobOptionList.filter(({ name }) => planOptions.has(name)),
    { name: 'json', help: 'print the plan as JSON' },
  ],
  run: planFile,
}

async function planFile(line: CommandLine, outputs: Outputs): Promise<ExitCode> {
  const options = jobOptionsFrom(line, await loadPipeline(line.operand), nodePlatform())
  const warn = (message: string): void => void outputs.stderr.write(`${printable(message)}\n`)
  const plan = await planStart(options, warn)
  outputs.stdout.write(
    line.has('json') ? `${JSON.stringify(plan ? jsonOf(plan) : null)}\n` : textOf(plan, options.directory),
  )
  return plan === undefined || isPossible(plan) ? exitCodes.done : exitCodes.checkpointUnusable
}

function isPossible({ problems, parts }: RestorePlan): boolean {
  return problems.length === 0 && parts.every(({ outcome }) => outcome !== 'incompatible')
}

function jsonOf(plan: RestorePlan): Readonly<Record<string, unknown>> {
  const { checkpoint, problems, parts, remarks } = plan
  return { checkpoint, isPossible: isPossible(plan), problems, parts, remarks }
}

function textOf(plan: RestorePlan | undefined, directory: string): string {
  if (plan === undefined) return `there is no checkpoint in ${directory}: every operator starts empty\n`
  const { checkpoint, problems, parts, remarks } = plan
  const verdict = isPossible(plan)
    ? `a start would restore checkpoint ${checkpoint}`
    : `a start would be refused, and would change nothing in ${directory}`
  const width = Math.max(0, ...parts.map(({ name }) => name.length))
  const lines = [...problems, ...parts.flatMap((part) => rowsOf(part, width)), ...remarks, verdict]
  return `${lines.map(printable).join('\n')}\n`
}

const words: Readonly<Record<PartPlan['outcome'], string>> = {
  same: 'kept',
  converted: 'converted',
  dropped: 'dropped',
  incompatible: 'incompatible',
  new: 'new',
}

function rowsOf({ name, outcome, notes }: PartPlan, width: number): readonly string[] {
  const head = `${name.padEnd(width)}  ${words[outcome].padEnd('incompatible'.length)}`
  const [first, ...others] = outcome === 'new' ? ['starts empty'] : notes
  if (first === undefined) return [head.trimEnd()]
  return [`${head}  ${first}`, ...others.map((note) => `${' '.repeat(head.length)}  ${note}`)]
}
