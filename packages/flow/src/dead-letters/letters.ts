import { publishFile, readWhole, removeIfThere, type Fs } from '@millrace/core/disk'
import type { DeadLetter } from '@millrace/core/operator'

/** A dead letter in a log, with the id by which commands name it. */
export interface KeptLetter extends DeadLetter {
  /** Unique in its log: checkpoint, subtask and number, as `12-0-3`. */
  readonly id: string
}

const fileForm = /^(\d+)-(\d+)\.ndjson$/

/**
 * Reads the visible letters of a log, oldest first. `directory` is the directory of its sink. It may be called while the
 * job runs.
 *
 * @example
 * await readLetters(fs, '.millrace/orders/connectors/rejected')
 */
export async function readLetters(fs: Fs, directory: string): Promise<readonly KeptLetter[]> {
  const letters: KeptLetter[] = []
  for (const name of await filesOf(fs, directory)) {
    for (const [index, line] of (await linesOf(fs, `${directory}/${name}`)).entries()) {
      if (line !== '') letters.push({ ...(JSON.parse(line) as DeadLetter), id: idOf(name, index) })
    }
  }
  return letters
}

/** Removes letters from a log, each file atomically. Ids that are not there are ignored. */
export async function removeLetters(fs: Fs, directory: string, ids: ReadonlySet<string>): Promise<void> {
  for (const name of await filesOf(fs, directory)) {
    const path = `${directory}/${name}`
    const lines = await linesOf(fs, path)
    // A removed letter leaves an empty line, so that the others keep their ids.
    const left = lines.map((line, index) => (ids.has(idOf(name, index)) ? '' : line))
    if (left.every((line) => line === '')) {
      await removeIfThere(fs, path)
      await fs.syncDirectory(directory)
    } else if (left.some((line, index) => line !== lines[index])) {
      await publishFile(fs, directory, name, new TextEncoder().encode(`${left.join('\n')}\n`))
    }
  }
}

function idOf(file: string, index: number): string {
  return `${file.replace('.ndjson', '')}-${index}`
}

async function linesOf(fs: Fs, path: string): Promise<readonly string[]> {
  const text = new TextDecoder().decode(await readWhole(fs, path))
  return text.split('\n').slice(0, -1)
}

/** The names of the visible files by checkpoint and subtask. */
async function filesOf(fs: Fs, directory: string): Promise<readonly string[]> {
  if ((await fs.stat(directory)) === undefined) return []
  const found = (await fs.list(directory)).flatMap(({ name }) => {
    const [, checkpoint, subtask] = fileForm.exec(name) ?? []
    return checkpoint === undefined
      ? []
      : [{ name, checkpoint: Number(checkpoint), subtask: Number(subtask) }]
  })
  return found
    .toSorted((a, b) => a.checkpoint - b.checkpoint || a.subtask - b.subtask)
    .map(({ name }) => name)
}
