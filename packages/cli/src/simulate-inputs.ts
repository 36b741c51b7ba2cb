import { readFile } from 'node:fs/promises'
import { MillraceError } from '@millrace/core'
import type { CommandLine } from './command.ts'

/** The records of each source that has some, by split. */
export type SimulatedInputs = Readonly<Record<string, Readonly<Record<string, readonly unknown[]>>>>

/**
 * Reads the files of `--input SOURCE=FILE`: a JSON value on each line. Each file is a split, of which the first `most` records
 * are taken. Throws `OPTION_INVALID`.
 */
export async function simulatedInputs(line: CommandLine, most: number): Promise<SimulatedInputs> {
  const inputs = new Map<string, Map<string, readonly unknown[]>>()
  for (const pair of line.values('input')) {
    const at = pair.indexOf('=')
    if (at < 1 || at === pair.length - 1) {
      throw new MillraceError('OPTION_INVALID', `--input ${pair} names no file; write --input SOURCE=FILE`)
    }
    const [source, file] = [pair.slice(0, at), pair.slice(at + 1)]
    const splits = inputs.get(source) ?? new Map<string, readonly unknown[]>()
    inputs.set(source, splits)
    splits.set(file, recordsOf(file, await textOf(file), most))
  }
  return Object.fromEntries(Array.from(inputs, ([source, splits]) => [source, Object.fromEntries(splits)]))
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new MillraceError('OPTION_INVALID', `--input: ${file} cannot be read; check its path`, { cause })
  }
}

function recordsOf(file: string, text: string, most: number): readonly unknown[] {
  const records: unknown[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (records.length === most) break
    if (line.trim() === '') continue
    try {
      records.push(JSON.parse(line))
    } catch (cause) {
      const message = `--input: line ${index + 1} of ${file} is no JSON; write one record on each line`
      throw new MillraceError('OPTION_INVALID', message, { cause })
    }
  }
  return records
}
