import { publishFile, readWhole, removeIfThere, type Fs } from '@millrace/core/disk'

/** A file as the changelog has it. */
export interface ImageFile {
  readonly bytes: number
  /** In how many pieces. */
  readonly pieces: number
}

/** Who wrote last to a changelog. */
export interface Head {
  /** Names the changelog; another one has another name. */
  readonly log: string
  /** Counts the openings of the lease. */
  readonly epoch: number
  /** The run of the job in which the newest checkpoint was made, if runs have names. */
  readonly run?: string | undefined
}

/** What a changelog holds up to an offset. */
export interface Image {
  /** By their path inside the data directory. */
  readonly files: ReadonlyMap<string, ImageFile>
  /** Undefined before the first opening. */
  readonly head: Head | undefined
  /**
   * The offset from which to read. What is read again changes nothing, so an earlier one that the holder has seen will do as
   * well.
   */
  readonly offset: number
}

/** An image as it is noted beside the directory. */
export interface Note extends Image {
  readonly topic: string
  readonly partition: number
  /** Wall-clock time. */
  readonly savedAt: number
}

const format = 1
const fileName = 'image.json'

/** Reads the note of a lease's directory; undefined if there is none, or none that this version can read. */
export async function readNote(fs: Fs, directory: string): Promise<Note | undefined> {
  const path = `${directory}/${fileName}`
  if ((await fs.stat(path)) === undefined) return undefined
  try {
    return decodeNote(new TextDecoder().decode(await readWhole(fs, path)))
  } catch {
    // Then everything is read from the changelog.
    return undefined
  }
}

/** Publishes a note. What it says must be durable before. */
export async function writeNote(fs: Fs, directory: string, note: Note): Promise<void> {
  const { topic, partition, savedAt, offset, head } = note
  const files = Array.from(note.files, ([path, { bytes, pieces }]) => [path, bytes, pieces])
  const text = JSON.stringify({ format, topic, partition, savedAt, offset, head, files })
  await publishFile(fs, directory, fileName, new TextEncoder().encode(`${text}\n`))
}

/** Removes the note: from now on, until the next one, the directory may differ from it. Resolves when that is durable. */
export async function removeNote(fs: Fs, directory: string): Promise<void> {
  if ((await fs.stat(directory)) === undefined) return
  await removeIfThere(fs, `${directory}/${fileName}`)
  await fs.syncDirectory(directory)
}

function decodeNote(text: string): Note | undefined {
  const note = JSON.parse(text) as {
    readonly format: number
    readonly topic: string
    readonly partition: number
    readonly savedAt: number
    readonly offset: number
    readonly head?: unknown
    readonly files: readonly (readonly [path: string, bytes: number, pieces: number])[]
  }
  if (note.format !== format) return undefined
  const files = new Map(note.files.map(([path, bytes, pieces]) => [path, { bytes, pieces }]))
  const { topic, partition, savedAt, offset } = note
  return { topic, partition, savedAt, offset, files, head: isHead(note.head) ? note.head : undefined }
}

/** Whether a value is the head of a changelog. */
export function isHead(value: unknown): value is Head {
  if (typeof value !== 'object' || value === null) return false
  const { log, epoch, run } = value as { readonly [name in keyof Head]?: unknown }
  const isNamed = run === undefined || typeof run === 'string'
  return typeof log === 'string' && Number.isSafeInteger(epoch) && Number(epoch) > 0 && isNamed
}
