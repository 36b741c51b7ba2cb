/** A shell session in a document: files to create, commands to run, and their output. */

export interface Step {
  /** The line of the document, counted from 1. */
  readonly line: number
  readonly command: string
  /** The standard output of the command. */
  readonly output: string
}

export interface Transcript {
  readonly files: Readonly<Record<string, string>>
  readonly steps: readonly Step[]
}

const fencePattern = /^```(\w*)\n([^]*?)^```$/gm
const filePattern = /`([\w./-]+)`:\s*$/

/**
 * Parses a document: a code block after a sentence that ends in "`name`:" is a file of that name, and a
 * `console` block contains commands after `$ `, each with its output below it.
 */
export function transcriptOf(text: string): Transcript {
  const files: Record<string, string> = {}
  const steps: Step[] = []
  for (const match of text.matchAll(fencePattern)) {
    const [, language, body] = match
    const before = text.slice(0, match.index)
    if (language === 'console') steps.push(...stepsIn(body!, before.split('\n').length + 1))
    const name = filePattern.exec(before)?.[1]
    if (name !== undefined) files[name] = body!
  }
  return { files, steps }
}

function stepsIn(body: string, firstLine: number): Step[] {
  const steps: { line: number; command: string; output: string }[] = []
  for (const [index, text] of body.trimEnd().split('\n').entries()) {
    if (text.startsWith('$ ')) steps.push({ line: firstLine + index, command: text.slice(2), output: '' })
    else steps.at(-1)!.output += `${text}\n`
  }
  return steps
}
