import { MillraceError } from '../errors/errors.ts'
import type { Fs } from './fs.ts'
import { writeFully } from './whole-file.ts'

const chunkBytes = 1024 * 1024

/**
 * Copies the first `bytes` bytes of a file, or all that it has when it is opened, and makes the bytes of the copy durable.
 * Throws `CHECKPOINT_CORRUPT` if it has fewer than `bytes`.
 */
export async function copyFile(fs: Fs, from: string, to: string, bytes?: number): Promise<void> {
  const source = await fs.open(from, 'read')
  try {
    const target = await fs.open(to, 'create')
    try {
      let left = bytes ?? (await source.size())
      const chunk = new Uint8Array(Math.min(chunkBytes, Math.max(1, left)))
      for (let at = 0; left > 0;) {
        const read = await source.read(chunk.subarray(0, Math.min(chunk.length, left)), at)
        if (read === 0) {
          if (bytes === undefined) break
          throw new MillraceError('CHECKPOINT_CORRUPT', `${from} has ${at} bytes instead of ${bytes}`)
        }
        await writeFully(target, chunk.subarray(0, read), to)
        at += read
        left -= read
      }
      await target.sync()
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}
