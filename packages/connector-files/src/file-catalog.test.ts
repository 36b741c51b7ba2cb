import { MillraceError } from '@millrace/core'
import { SimFs } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { appendTo, FileWorld, placeAt, SourceRun } from '../test/file-world.ts'
import type { Paths, ReadOptions } from './read-options.ts'
import { readLines } from './lines.ts'

/** A disk on which some paths cannot be opened or listed. */
class GuardedFs extends SimFs {
  readonly denied = new Set<string>()

  override async open(...[path, mode]: Parameters<SimFs['open']>): ReturnType<SimFs['open']> {
    this.#require(path)
    return super.open(path, mode)
  }

  override async list(path: string): ReturnType<SimFs['list']> {
    this.#require(path)
    return super.list(path)
  }

  #require(path: string): void {
    if (!this.denied.has(path)) return
    throw new MillraceError('FS_DENIED', `${path}: permission denied; give this user access (EACCES)`)
  }
}

function diskWith(...paths: string[]): GuardedFs {
  const fs = new GuardedFs()
  for (const path of paths) fs.put(path, `${path}\n`)
  return fs
}

function begin(
  fs: SimFs,
  paths: Paths,
  options: ReadOptions = {},
): { run: SourceRun<string>; world: FileWorld } {
  const world = new FileWorld(fs, options.follow !== true)
  return { run: new SourceRun(readLines(paths, options), world.context), world }
}

describe('files that cannot be read', () => {
  test('a file matched by a wildcard without permission is skipped with a warning', async () => {
    const fs = diskWith('logs/a.log', 'logs/b.log', 'logs/c.log')
    fs.denied.add('logs/b.log')
    const { run, world } = begin(fs, 'logs/*.log')
    await run.discover()
    await run.readToEnd()
    expect(run.values).toEqual(['logs/a.log', 'logs/c.log'])
    expect(world.warnings).toEqual(['logs/b.log: permission denied; it is skipped'])
    expect(fs.openPaths()).toEqual([])
  })

  test('a followed one is read once permission is granted', async () => {
    const fs = diskWith('logs/a.log', 'logs/b.log')
    fs.denied.add('logs/b.log')
    const { run, world } = begin(fs, 'logs/*.log', { follow: true })
    await run.discover()
    for (let second = 0; second < 3; second++) {
      await world.pass(1_000)
      run.poll()
    }
    expect(run.values).toEqual(['logs/a.log'])
    fs.denied.clear()
    await world.pass(200)
    run.poll()
    expect(run.values).toEqual(['logs/a.log', 'logs/b.log'])
    expect(placeAt(run.origins.at(-1)!, 0)).toBe('logs/b.log line 1, byte 0')
    expect(world.warnings).toHaveLength(1)
    await run.close()
    expect(fs.openPaths()).toEqual([])
  })

  test('a file given without wildcards stops the job', async () => {
    const fs = diskWith('logs/b.log')
    fs.denied.add('logs/b.log')
    await expect(begin(fs, 'logs/b.log').run.discover()).rejects.toMatchObject({ code: 'FS_DENIED' })
  })

  test('a file whose reading has begun stops the job', async () => {
    const fs = diskWith('logs/b.log')
    const { run } = begin(fs, 'logs/*.log', { follow: true })
    await run.discover()
    const marks = run.marks()
    await run.close()
    fs.denied.add('logs/b.log')
    await expect(begin(fs, 'logs/*.log').run.restore(marks)).rejects.toMatchObject({ code: 'FS_DENIED' })
  })

  test('a directory matched by a wildcard is skipped with one warning, and one given by name stops the job', async () => {
    const fs = diskWith('logs/open/a.log', 'logs/closed/b.log')
    fs.denied.add('logs/closed')
    for (const pattern of ['logs/*/*.log', 'logs/**']) {
      const { run, world } = begin(fs, pattern, { follow: true })
      await run.discover()
      await run.discover()
      await world.pass(0)
      run.poll()
      expect(run.values).toEqual(['logs/open/a.log'])
      expect(world.warnings).toEqual(['logs/closed: permission denied; it is skipped'])
      await run.close()
    }
    for (const pattern of ['logs/closed/*', 'logs/closed']) {
      await expect(begin(fs, pattern).run.discover()).rejects.toMatchObject({ code: 'FS_DENIED' })
    }
    const named = begin(fs, 'logs/closed/b.log').run
    await named.discover()
    await named.readToEnd()
    expect(named.values).toEqual(['logs/closed/b.log'])
  })

  test('a file that vanishes before it is opened is skipped with a warning', async () => {
    const fs = diskWith('in/a.log', 'in/b.tmp')
    const { run, world } = begin(fs, 'in/*')
    const stat = fs.stat.bind(fs)
    // Both are listed; then the second is removed.
    let stats = 0
    fs.stat = async (path) => {
      const found = await stat(path)
      if (path === 'in/b.tmp' && ++stats === 1) fs.lose('in/b.tmp')
      return found
    }
    await run.discover()
    await run.readToEnd()
    expect(run.values).toEqual(['in/a.log'])
    expect(world.warnings).toEqual(['in/b.tmp vanished before it was opened; it is skipped'])
  })
})

describe('ignoreOlder', () => {
  test('a file that was not modified for longer is read once it is modified', async () => {
    const world = new FileWorld(new SimFs(), false)
    const fs = new SimFs({ clock: world.clock })
    fs.put('logs/old.log', 'old\n')
    await world.clock.advance(86_400_000)
    fs.put('logs/new.log', 'new\n')
    const { run, world: next } = begin(fs, 'logs/*', { follow: true, ignoreOlder: '1h' })
    await next.clock.advance(world.clock.now() - next.clock.now())
    await run.discover()
    await next.pass(0)
    run.poll()
    expect(run.values).toEqual(['new'])
    await appendTo(fs, 'logs/old.log', 'more\n')
    await run.discover()
    await next.pass(0)
    run.poll()
    expect(run.values).toEqual(['new', 'old', 'more'])
    await run.close()
  })
})
