import { describe, expect, test } from 'vitest'
import { makeDurableDirectory } from './durable-directory.ts'
import { MillraceError } from './errors.ts'
import type { Fs } from './fs.ts'

/** Notes what is asked of it. */
function notingFs(denied: readonly string[] = []): { fs: Fs; calls: string[] } {
  const calls: string[] = []
  const fs: Pick<Fs, 'makeDirectory' | 'syncDirectory'> = {
    makeDirectory: (path) => {
      calls.push(`make ${path}`)
      return Promise.resolve()
    },
    syncDirectory: (path) => {
      if (denied.includes(path)) return Promise.reject(new MillraceError('FS_DENIED', path))
      calls.push(`sync ${path}`)
      return Promise.resolve()
    },
  }
  return { fs: fs as Fs, calls }
}

describe('a durable directory', () => {
  test('has every parent synced, outermost first', async () => {
    const { fs, calls } = notingFs()
    await makeDurableDirectory(fs, '/data/job/inbox')
    expect(calls).toEqual(['make /data/job/inbox', 'sync /', 'sync /data', 'sync /data/job'])
  })

  test('may have a relative path', async () => {
    const { fs, calls } = notingFs()
    await makeDurableDirectory(fs, './data//inbox/')
    expect(calls).toEqual(['make ./data//inbox/', 'sync .', 'sync ./data'])
  })

  test('may stand below a directory of others', async () => {
    const { fs, calls } = notingFs(['/'])
    await makeDurableDirectory(fs, '/data/inbox')
    expect(calls).toEqual(['make /data/inbox', 'sync /data'])
  })

  test('is not durable when a sync fails', async () => {
    const { fs } = notingFs()
    fs.syncDirectory = () => Promise.reject(new MillraceError('FS_SYNC_FAILED', 'gone'))
    await expect(makeDurableDirectory(fs, 'data')).rejects.toThrow('gone')
  })
})
