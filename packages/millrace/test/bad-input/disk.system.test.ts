import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { Command, millrace, pipelineFile, scratch } from '../command.ts'
import { mountingFails, Tmpfs } from './tmpfs.ts'

const reason = mountingFails()
if (reason !== undefined) process.stdout.write(`full and read-only disks are not tested: ${reason}\n`)

const mib = 1024 * 1024
const numbers = pipelineFile('numbers.ts')

function run(data: string, out: string, ...options: readonly string[]): Command {
  const where = ['--data-dir', data, '--parameter', `out=${out}`]
  return new Command(['run', numbers, '--bounded', ...where, ...options])
}

async function sums(out: string): Promise<readonly string[]> {
  return (await readFile(`${out}/sums.ndjson`, 'utf8')).trimEnd().split('\n').toSorted()
}

describe.skipIf(reason !== undefined)('a disk that rejects writes', () => {
  let expected: readonly string[]
  beforeAll(async () => {
    const directory = await scratch()
    await run(`${directory}/data`, `${directory}/out`).ended
    expected = await sums(`${directory}/out`)
    expect(expected).toHaveLength(100)
  })

  test.each(['data', 'out'])(
    'full under %s: the job names the file and the advice, and with space again loses and duplicates nothing',
    async (place) => {
      using disk = new Tmpfs('1m')
      const roomy = await scratch()
      const at = (name: string): string => `${name === place ? disk.path : roomy}/${name}`
      const first = run(at('data'), at('out'), '--parameter', 'rate=1000', '--restart', '1')
      await first.says(/checkpoint 2/)
      await fill(disk.path)
      const { code, err } = await first.ended
      expect(err).toMatch(/error: [A-Z_]+: .*the disk is full; free some space \(ENOSPC\)/)
      expect(err).toContain(disk.path)
      expect(err).toMatch(/^CRASH_LOOP: the job failed 2 times and is not restarted again; .*\(ENOSPC\)/m)
      expect(err).not.toContain('poison')
      expect(code).toBe(1)
      await rm(`${disk.path}/ballast`)
      const second = await run(at('data'), at('out')).ended
      expect(second.err).toMatch(/'numbers' runs from checkpoint \d+/)
      expect(second.code).toBe(0)
      expect(await sums(at('out'))).toEqual(expected)
    },
  )

  test('full from the start: nothing is left that prevents a later start', async () => {
    using disk = new Tmpfs('256k')
    await fill(disk.path)
    const out = await scratch()
    const full = await run(`${disk.path}/data`, out, '--restart', 'none').ended
    expect(full.err).toMatch(/^FS_FULL: \S+: the disk is full; free some space \(ENOSPC\)/m)
    expect(full.code).toBe(1)
    await rm(`${disk.path}/ballast`)
    const { code } = await run(`${disk.path}/data`, out).ended
    expect(code).toBe(0)
    expect(await sums(out)).toEqual(expected)
  })

  test('read-only: the job fails to start with a message, and changes nothing', async () => {
    using disk = new Tmpfs('4m')
    const out = await scratch()
    const first = run(`${disk.path}/data`, out, '--parameter', 'rate=1000')
    await first.says(/checkpoint 3/)
    first.kill('SIGTERM')
    await first.ended
    disk.makeReadOnly()
    const before = await readdir(disk.path, { recursive: true })
    const { code, err } = await run(`${disk.path}/data`, out).ended
    expect(err).toMatch(
      /^FS_READ_ONLY: \S+\/data\/owner\/epoch-\d+: the file system is read-only; mount it writable \(EROFS\)/,
    )
    expect(code).toBe(1)
    expect(await readdir(disk.path, { recursive: true })).toEqual(before)
    // Reading is allowed.
    expect((await millrace(['checkpoints', `${disk.path}/data`])).code).toBe(0)
    disk.makeWritable()
    expect((await run(`${disk.path}/data`, out).ended).code).toBe(0)
    expect(await sums(out)).toEqual(expected)
  })

  test('read-only where the sink writes: the failure is final and names the path', async () => {
    using disk = new Tmpfs('1m')
    await mkdir(`${disk.path}/out`)
    disk.makeReadOnly()
    const data = await scratch()
    const { code, err } = await run(data, `${disk.path}/out`).ended
    expect(err).toMatch(
      /^SINK_FAILED: sink 'file' could not be opened: .*read-only; mount it writable \(EROFS\)/m,
    )
    expect(err).not.toContain('starting again')
    expect(code).toBe(1)
  })
})

/** Fills the disk to the last byte. */
async function fill(disk: string): Promise<void> {
  for (let bytes = mib; bytes >= 1; bytes >>= 1) {
    for (;;) {
      const isFull = await writeFile(`${disk}/ballast`, Buffer.alloc(bytes), { flag: 'a' }).then(
        () => false,
        () => true,
      )
      if (isFull) break
    }
  }
}
