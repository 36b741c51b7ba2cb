import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { once } from 'node:events'
import path from 'node:path'
import { bidLine } from '../ndjson-bids.ts'

/**
 * Writes bids into as many files as there are parts, and returns their paths. All bids of an auction are in one file, in order,
 * so that the results do not depend on which file is read first.
 */
export async function writeBids(
  directory: string,
  records: number,
  keys: number,
  parts: number,
): Promise<readonly string[]> {
  await mkdir(directory, { recursive: true })
  const paths = Array.from({ length: parts }, (_, part) =>
    path.join(directory, `bids-${records}-${keys}-${part}.ndjson`),
  )
  const streams = paths.map((file) => createWriteStream(file))
  const texts = paths.map(() => '')
  for (let n = 0; n < records; n++) {
    const line = bidLine(n, keys)
    const auction = Number(/\d+/.exec(line)![0])
    const part = Math.floor(auction / 2) % parts
    texts[part] += line
    if (texts[part]!.length < 65_536) continue
    if (!streams[part]!.write(texts[part])) await once(streams[part]!, 'drain')
    texts[part] = ''
  }
  await Promise.all(
    streams.map(async (stream, part) => {
      stream.end(texts[part])
      await once(stream, 'finish')
    }),
  )
  return paths
}
