import { docsLink } from '../errors/docs-link.ts'
import type { InputExplanation, PartExplanation } from '../graph/explain.ts'
import type { Explanation, TaskExplanation } from './explain-plan.ts'

/**
 * Formats an explanation as text: the parts as a tree in the direction of the data, then tasks and guarantee.
 *
 * A part with several inputs is shown under the first of them.
 *
 * @example
 * explanationText(explain(graph))
 * // word-count
 * //
 * // lines              from files, replayable; keeps how far each split has been read
 * // └─ flatMap-1       flatMap
 * //    └─ count        scan by key; keeps one value of each key, never dropped
 * //       └─ counts    to files, exactly-once
 */
export function explanationText(explanation: Explanation): string {
  const rows = explanation.parts
    .filter((part) => part.inputs.length === 0)
    .flatMap((part) => rowsOf(part, explanation))
  const width = Math.max(...rows.map(([tree]) => tree.length))
  return [
    explanation.pipeline,
    '',
    ...rows.map(([tree, text]) => `${tree.padEnd(width)}   ${text}`),
    '',
    `runs as ${countText(explanation.tasks.length, 'task')} of ${countText(explanation.parallelism, 'subtask')} each`,
    ...explanation.tasks.map(taskLine),
    '',
    ...guaranteeLines(explanation),
    '',
    `what this means: ${docsLink('explain')}`,
    '',
  ].join('\n')
}

type Row = readonly [tree: string, text: string]

/** The row of `part` and those of the parts under it. `lead` is the prefix of its readers' names. */
function rowsOf(part: PartExplanation, explanation: Explanation, mark = '', lead = ''): Row[] {
  const readers = explanation.parts.filter(({ inputs }) => inputs[0]?.from === part.name)
  const below = readers.flatMap((reader, index) => {
    const isLast = index === readers.length - 1
    return rowsOf(reader, explanation, `${lead}${isLast ? '└─ ' : '├─ '}`, `${lead}${isLast ? '   ' : '│  '}`)
  })
  return [[mark + part.name, partText(part)], ...below]
}

function partText({ kind, type, inputs, facts, keeps, onError }: PartExplanation): string {
  const what = kind === 'source' ? `from ${type}` : kind === 'sink' ? `to ${type}` : type
  const [first, ...others] = inputs
  const phrases = [
    what + (first === undefined ? '' : routeText(first.exchange)),
    ...(first === undefined ? [] : firstText(first)),
    ...others.map(
      (input) =>
        `also reads ${inputText(input)}${roleText(input)}${input.exchange === 'broadcast' ? ', in every subtask' : ''}`,
    ),
    ...facts,
  ]
  const clauses = [phrases.join(', ')]
  if (keeps !== undefined) clauses.push(`keeps ${keeps}`)
  if (onError === 'skip') clauses.push('skips records it fails on')
  if (onError === 'deadLetter') clauses.push('sends records it fails on to dead letters')
  return clauses.join('; ')
}

/** The first input is the row above, so it is named only if that is ambiguous. */
function firstText(input: InputExplanation): readonly string[] {
  const output = input.output === 'main' ? '' : `reads output '${input.output}'`
  if (input.name === undefined) return output === '' ? [] : [output]
  return [`${output === '' ? 'reads it' : output}${roleText(input)}`]
}

function roleText({ name }: InputExplanation): string {
  return name === undefined ? '' : ` as '${name}'`
}

function inputText({ from, output }: InputExplanation): string {
  return output === 'main' ? `'${from}'` : `output '${output}' of '${from}'`
}

function taskLine({ parts, sends }: TaskExplanation): string {
  const routes = [...new Set(sends.map(({ to, exchange }) => to + routeText(exchange)))]
  return `  ${parts.join(' + ')}${routes.length === 0 ? '' : ` → ${routes.join(', ')}`}`
}

function routeText(exchange: InputExplanation['exchange']): string {
  return exchange === 'key' ? ' by key' : exchange === 'broadcast' ? ' in every subtask' : ''
}

function guaranteeLines({ guarantee, sinks }: Explanation): readonly string[] {
  return [
    `guarantee: ${guarantee}`,
    ...sinks.flatMap((sink) => [
      `  ${sink.name}: ${sink.guarantee}`,
      ...sink.weakenedBy.map(({ why }) => `    because ${why}`),
    ]),
    ...(sinks.some(({ weakenedBy }) => weakenedBy.length > 0) ? [`  see ${docsLink('guarantees')}`] : []),
  ]
}

function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
