import { MillraceError } from '@millrace/core'
import type { ClosedSplit, Source } from '@millrace/core/connector'
import {
  crc32,
  makeDurableDirectory,
  publishFile,
  readWhole,
  removeIfThere,
  type Fs,
} from '@millrace/core/disk'
import type { KeptLetter } from './letters.ts'
import { RedrivenReader, redrivenLabel, type RedrivenLetter } from './redriven-letters.ts'

/** The names of splits of redriven letters begin with this; the name of a file in `redrive` follows. */
const prefix = 'redrive:'
const fileEnd = '.ndjson'

/**
 * Puts letters into the queue of their source, from which the job reads them as records: at its next start, or soon if
 * it runs. The same letters are queued once, however often this is called. `directory` is that of the source.
 *
 * Throws `OPTION_INVALID` for letters without bytes.
 */
export async function queueLetters(fs: Fs, directory: string, letters: readonly KeptLetter[]): Promise<void> {
  const queue = queueOf(directory)
  await makeDurableDirectory(fs, queue)
  const lines = letters.map((letter) => `${JSON.stringify(redriven(letter))}\n`)
  const bytes = new TextEncoder().encode(lines.join(''))
  const ids = new TextEncoder().encode(
    letters.map(({ id, pipeline, operator }) => `${pipeline}/${operator}/${id}`).join('\n'),
  )
  await publishFile(
    fs,
    queue,
    `${letters[0]!.id}-${letters.length}-${crc32(ids).toString(16)}${fileEnd}`,
    bytes,
  )
}

/** A letter as the queue of its source holds it. */
export function redriven({ id, raw, split, position, place, headers, redrives }: KeptLetter): RedrivenLetter {
  if (raw === null) {
    throw new MillraceError(
      'OPTION_INVALID',
      `letter ${id} has no bytes of its record, so it cannot be redriven`,
    )
  }
  const where = split === redrivenLabel || split === null ? (position ?? place) : `${position} of ${split}`
  return { raw, position: where, ...(headers && { headers }), redrives: redrives + 1 }
}

/**
 * A source that also reads the letters in its queue, each file of them as a split that ends. A source that cannot decode
 * single records is returned as it is.
 */
export function redrivable<T>(source: Source<T>): Source<T> {
  if (source.decode === undefined) return source
  const { positionVersion, discoverEveryMs, maxOpenReaders, needsMainThread, hasHeaders } = source
  const decode = (raw: Uint8Array): T => source.decode!(raw)
  return {
    kind: source.kind,
    durability: source.durability,
    ...(positionVersion === undefined ? {} : { positionVersion }),
    ...(discoverEveryMs === undefined ? {} : { discoverEveryMs }),
    ...(maxOpenReaders === undefined ? {} : { maxOpenReaders }),
    ...(hasHeaders === undefined ? {} : { hasHeaders }),
    ...(needsMainThread === undefined ? {} : { needsMainThread }),
    decode,
    isInDirectory: isRedriven,
    splitLabel: (split) => (isRedriven(split) ? redrivenLabel : (source.splitLabel?.(split) ?? split)),
    discover: async (context) => {
      const { splits, isComplete } = await source.discover(context)
      return { splits: [...splits, ...(await queuedIn(context.fs, context.directory))], isComplete }
    },
    open: async (split, from, context) => {
      if (!isRedriven(split)) return source.open(split, from, context)
      const { fs, directory, name } = context
      const path = `${queueOf(directory)}/${split.slice(prefix.length)}`
      // A file that is gone was read to its end before.
      const letters = (await fs.stat(path)) === undefined ? [] : await lettersIn(fs, path)
      return new RedrivenReader({ source: name, split, letters, decode }, Number(from ?? 0), () =>
        removeIfThere(fs, path),
      )
    },
    ...(source.changed && {
      changed: async (splits, context) => {
        const queued = splits.filter(({ split }) => isRedriven(split)).map(({ split }) => split)
        return [...queued, ...(await source.changed!(splits.filter(notRedriven), context))]
      },
    }),
    ...(source.gone && {
      gone: (splits, context) =>
        source.gone!(
          splits.filter((split) => !isRedriven(split)),
          context,
        ),
    }),
    close: async () => source.close?.(),
    ended: (error) => source.ended?.(error),
  }
}

function isRedriven(split: string): boolean {
  return split.startsWith(prefix)
}

function notRedriven({ split }: ClosedSplit): boolean {
  return !isRedriven(split)
}

function queueOf(directory: string): string {
  return `${directory}/redrive`
}

async function queuedIn(fs: Fs, directory: string): Promise<readonly string[]> {
  const queue = queueOf(directory)
  if ((await fs.stat(queue)) === undefined) return []
  const names = (await fs.list(queue)).map(({ name }) => name)
  return names.filter((name) => name.endsWith(fileEnd)).map((name) => `${prefix}${name}`)
}

async function lettersIn(fs: Fs, path: string): Promise<readonly RedrivenLetter[]> {
  const text = new TextDecoder().decode(await readWhole(fs, path))
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as RedrivenLetter)
}
