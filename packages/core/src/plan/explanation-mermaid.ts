import type { PartExplanation } from '../graph/explain.ts'
import type { Explanation } from './explain-plan.ts'

/**
 * Formats an explanation as a Mermaid flowchart: one box per part, and a frame per task. Thick arrows are
 * exchanges by key, dashed ones side outputs.
 *
 * @example
 * explanationMermaid(explain(graph)) // paste it between ```mermaid fences
 */
export function explanationMermaid({ parts, tasks, parallelism }: Explanation): string {
  const ids = new Map(parts.map(({ name }, index) => [name, `n${index}`]))
  const lines = ['flowchart LR']
  const framed = new Set<string>()
  for (const [index, task] of tasks.entries()) {
    // A step that several sources need runs in each of their tasks; it is drawn in the first.
    const members = parts.filter(({ name }) => task.parts.includes(name) && !framed.has(name))
    for (const { name } of members) framed.add(name)
    const copies = parallelism === 1 ? '' : ` ×${parallelism}`
    lines.push(`  subgraph t${index}[${quoted(task.name + copies)}]`)
    lines.push(...members.map((part) => `    ${ids.get(part.name)!}${boxOf(part)}`), '  end')
  }
  for (const part of parts) {
    for (const { name, from, output, exchange } of part.inputs) {
      const arrow = exchange === 'key' ? '==>' : output === 'main' ? '-->' : '-.->'
      const role = name === undefined ? [] : [`as ${name}`]
      const label = [
        ...(output === 'main' ? [] : [output]),
        ...role,
        ...(exchange === 'key' ? ['by key'] : exchange === 'broadcast' ? ['broadcast'] : []),
      ].join(' ')
      const text = label === '' ? '' : `|${quoted(label)}|`
      lines.push(`  ${ids.get(from)!} ${arrow}${text} ${ids.get(part.name)!}`)
    }
  }
  return `${lines.join('\n')}\n`
}

function boxOf({ name, kind, type, keeps }: PartExplanation): string {
  const label = quoted(`${name}<br>${type}`)
  if (kind === 'source' || kind === 'sink') return `[/${label}/]`
  return keeps === undefined ? `[${label}]` : `[(${label})]`
}

/** Mermaid has no backslash escapes; its entities replace special characters. */
function quoted(text: string): string {
  return `"${text.replaceAll('#', '#35;').replaceAll('"', '#quot;')}"`
}
