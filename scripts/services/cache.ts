import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'

/**
 * A directory of the cache in the user's home, made at the first use. `make` gets a directory to work in, and returns which
 * part of it is kept: the result appears only when it is complete.
 */
export async function cached(name: string, make: (work: string) => Promise<string>): Promise<string> {
  const cache = path.join(
    process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'),
    'millrace',
    'services',
  )
  const root = path.join(cache, name)
  if (existsSync(root)) return root
  await mkdir(cache, { recursive: true })
  const work = await mkdtemp(path.join(cache, 'fetch-'))
  try {
    // Another process may have been faster.
    await rename(await make(work), root).catch((error: unknown) => {
      if (!existsSync(root)) throw error
    })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return root
}
