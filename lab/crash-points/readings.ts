/**
 * The input of the crashed job, and its expected output.
 *
 * The expected output is computed here by plain loops over all readings at once. It shares no code with the
 * engine, so a bug that affects every run of the engine is found, too.
 */
import type { SimFs } from '@millrace/testkit'

/** One line of input. */
export interface Reading {
  readonly id: number
  readonly key: string
  /** Event time in milliseconds. */
  readonly at: number
  /** Too late for any window. */
  readonly isStraggler?: true
}

/** How far a reading may be behind the newest of its file, in milliseconds. */
export const disorderMs = 40
export const windowMs = 60
export const slideMs = 20
const bucketMs = 50

const firstAt = 1_000

/** Readings of one file, in a fixed pattern of disorder within ten milliseconds. */
function readings(firstId: number, count: number, hasStragglers: boolean): readonly Reading[] {
  return Array.from({ length: count }, (_, index) => {
    const id = firstId + index
    const key = `k${(id * 7) % 3}`
    const at = firstAt + index * 10 + ((id * 13) % 4) * 10
    const isStraggler = hasStragglers && index > 3 && id % 5 === 2
    return isStraggler ? { id, key, at: at - 700, isStraggler } : { id, key, at }
  })
}

const north: Readonly<Record<string, readonly Reading[]>> = {
  'in/north/a.ndjson': readings(100, 40, true),
  'in/north/b.ndjson': readings(200, 39, true),
}
const south: Readonly<Record<string, readonly Reading[]>> = { 'in/south.ndjson': readings(300, 36, false) }

/** The input paths of the two sources. */
export const northPaths = 'in/north/*.ndjson'
export const southPaths = 'in/south.ndjson'

/**
 * Creates the files, durable. One of them ends in half a line, another in a complete line without a newline.
 */
export function putReadings(fs: SimFs): void {
  for (const [path, lines] of Object.entries({ ...north, ...south })) {
    const text = lines.map((reading) => JSON.stringify(reading)).join('\n')
    const end = path.endsWith('b.ndjson')
      ? '\n{"id":999,"key":"k1","a'
      : path.endsWith('a.ndjson')
        ? '\n'
        : ''
    fs.put(path, text + end)
  }
}

/** The output of the windows and the late readings of the first source: a line for each. */
export function expectedLive(): readonly string[] {
  const all = Object.values(north).flat()
  const late = all.filter((reading) => reading.isStraggler).map(lateLine)
  const windows = new Map<string, { key: string; end: number; ids: number[] }>()
  for (const { id, key, at, isStraggler } of all) {
    if (isStraggler) continue
    const slice = Math.floor(at / slideMs) * slideMs
    for (let end = slice + slideMs; end <= slice + windowMs; end += slideMs) {
      const window = windows.get(`${key} ${end}`) ?? { key, end, ids: [] }
      window.ids.push(id)
      windows.set(`${key} ${end}`, window)
    }
  }
  return [...late, ...Array.from(windows.values(), ({ key, end, ids }) => windowLine(key, end, ids))].sort()
}

/** The output of the buckets of both sources: a line for each. */
export function expectedRolled(): readonly string[] {
  const buckets = new Map<string, { key: string; until: number; ids: number[] }>()
  for (const { id, key, at, isStraggler } of [...Object.values(north), ...Object.values(south)].flat()) {
    if (isStraggler) continue
    const until = bucketOf(at)
    const bucket = buckets.get(`${key} ${until}`) ?? { key, until, ids: [] }
    bucket.ids.push(id)
    buckets.set(`${key} ${until}`, bucket)
  }
  return Array.from(buckets.values(), ({ key, until, ids }) => bucketLine(key, until, ids)).sort()
}

export function bucketOf(at: number): number {
  return Math.floor(at / bucketMs) * bucketMs + bucketMs
}

/** Sorted ids, because readings of two sources arrive in any order. */
export function inOrder(ids: readonly number[]): readonly number[] {
  return ids.toSorted((a, b) => a - b)
}

/** The fields of a line of output, in the order in which the job writes them. */
export interface OutputLine {
  readonly key: string
  /** The end of the window or bucket; absent for a late reading. */
  readonly until?: number
  readonly late?: number
  readonly ids?: readonly number[]
}

function lateLine({ key, id }: Reading): string {
  return JSON.stringify({ key, late: id } satisfies OutputLine)
}

function windowLine(key: string, end: number, ids: readonly number[]): string {
  return JSON.stringify({ key, until: end, ids: inOrder(ids) } satisfies OutputLine)
}

function bucketLine(key: string, until: number, ids: readonly number[]): string {
  return JSON.stringify({ key, until, ids: inOrder(ids) } satisfies OutputLine)
}
