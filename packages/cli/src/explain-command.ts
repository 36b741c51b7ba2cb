import { MillraceError } from '@millrace/core'
import { explain, explanationMermaid, explanationText, type Explanation } from '@millrace/core/graph'
import type { CommandLine, Command } from './command.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import type { Outputs } from './outputs.ts'
import { loadPipeline } from './pipeline-loader.ts'
import { parallelismOf, parametersOf } from './run-options.ts'

const formats: Readonly<Record<string, (explanation: Explanation) => string>> = {
  text: explanationText,
  mermaid: explanationMermaid,
  json: (explanation) => `${JSON.stringify(explanation, undefined, 2)}\n`,
}

/** `millrace explain`: shows what a pipeline does, keeps and guarantees, without running it. */
export const explainCommand: Command = {
  name: 'explain',
  operand: 'FILE.ts',
  summary: 'show what a pipeline does, keeps and guarantees',
  details: [
    'Shows the parts of the pipeline, what each of them keeps and until when, the tasks they run',
    'in, and the guarantee of each sink with whatever weakens it. Nothing is run.',
  ],
  options: [
    { name: 'format', value: 'FORMAT', help: 'text, mermaid or json (default text)' },
    { name: 'json', help: 'the same as --format json' },
    { name: 'parameter', value: 'NAME=VALUE', help: 'a parameter of the pipeline; may be repeated' },
    { name: 'parallelism', value: 'N', help: 'subtasks of each task (default 1)' },
  ],
  run: explainFile,
}

async function explainFile(line: CommandLine, outputs: Outputs): Promise<ExitCode> {
  const name = line.value('format') ?? (line.has('json') ? 'json' : 'text')
  const format = Object.hasOwn(formats, name) ? formats[name] : undefined
  if (format === undefined) {
    throw new MillraceError(
      'OPTION_INVALID',
      `--format is ${name}. Use one of ${Object.keys(formats).join(', ')}`,
    )
  }
  const pipeline = await loadPipeline(line.operand)
  const graph = pipeline.describe(parametersOf(line)).graph
  outputs.stdout.write(format(explain(graph, parallelismOf(line, pipeline))))
  return exitCodes.done
}
