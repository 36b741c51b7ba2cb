import { open, readdir, readFile, rm, truncate } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, test } from 'vitest'
import { Command, millrace, pipelineFile, scratch, type Ended } from '../command.ts'

const numbers = pipelineFile('numbers.ts')
const named = fileURLToPath(new URL('pipelines/named.ts', import.meta.url))

describe('an interrupted job', () => {
  let directory: string
  let job: Command

  function start(program: string, ...options: readonly string[]): Command {
    const where = ['--data-dir', `${directory}/data`, '--parameter', `out=${directory}/out`]
    return new Command(['run', program, '--bounded', ...where, ...options])
  }

  beforeEach(async () => {
    directory = await scratch()
    job = start(numbers, '--parameter', 'rate=50')
    await job.says(/checkpoint 4/)
  })

  async function stop(): Promise<void> {
    job.kill('SIGTERM')
    expect((await job.ended).code).toBe(0)
  }

  /** Size of the state that a checkpoint names in bytes, including state written by earlier checkpoints. */
  async function stateBytes(manifest: string): Promise<number> {
    const text = await readFile(manifest, 'utf8')
    const { store } = JSON.parse(text.slice(text.indexOf('\n'))) as {
      readonly store: {
        readonly parts: readonly {
          readonly snapshot: { readonly segments: readonly { readonly bytes: number }[] }
        }[]
      }
    }
    return store.parts[0]!.snapshot.segments.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Stops the job. If no record arrived between its last two checkpoints, runs and stops it again. */
  async function stopWithNewState(): Promise<void> {
    for (;;) {
      await stop()
      const [newest, before] = await manifests()
      if ((await stateBytes(newest!)) > (await stateBytes(before!))) return
      job = start(numbers, '--parameter', 'rate=50')
      await job.says(/(?:checkpoint \d+,[^]*){2}/)
    }
  }

  async function output(): Promise<readonly string[]> {
    const text = await readFile(`${directory}/out/sums.ndjson`, 'utf8').catch(() => '')
    return text.trimEnd().split('\n')
  }

  async function manifests(): Promise<readonly string[]> {
    const names = await readdir(`${directory}/data/checkpoints`)
    return names
      .filter((name) => name.startsWith('checkpoint-'))
      .toSorted()
      .toReversed()
      .map((name) => `${directory}/data/checkpoints/${name}`)
  }

  async function segments(): Promise<readonly string[]> {
    const names = await readdir(`${directory}/data/state`)
    return names.filter((name) => name.endsWith('.seg')).map((name) => `${directory}/data/state/${name}`)
  }

  async function soundness(): Promise<readonly boolean[]> {
    const { out } = await millrace(['checkpoints', `${directory}/data`, '--json'])
    return (JSON.parse(out) as readonly { readonly isSound: boolean }[]).map(({ isSound }) => isSound)
  }

  /**
   * After a fallback to an earlier checkpoint, records may be written again: all of them, and nothing else.
   */
  async function expectComplete({ code }: Ended): Promise<void> {
    expect(code).toBe(0)
    const lines = await output()
    const distinct = new Map(lines.map((line) => [line, JSON.parse(line) as { n: number; sum: number }]))
    expect(distinct.size).toBe(100)
    const totals = [...distinct.values()]
    expect(totals.reduce((all, { n }) => all + n, 0)).toBe(2_000)
    expect(totals.reduce((all, { sum }) => all + sum, 0)).toBe((2_000 * 1_999) / 2)
  }

  async function expectRefused(message: RegExp): Promise<void> {
    const before = await output()
    const { code, err } = await start(numbers).ended
    expect(err).toMatch(message)
    expect(err).not.toContain("'numbers' runs")
    expect(err).not.toContain('starting again')
    expect(code).toBe(5)
    expect(await output()).toEqual(before)
  }

  test('EN-209 one flipped bit in the newest manifest: the previous checkpoint is used, with a warning', async () => {
    await stop()
    const [newest] = await manifests()
    await flip(newest!, 0.5)
    expect(await soundness()).toEqual([false, true])
    const ended = await start(numbers).ended
    expect(ended.err).toMatch(
      /warning: checkpoint (\d+) cannot be used: CHECKPOINT_CORRUPT: \S+\.json: its checksum does not match; the file is damaged; the one before it is used\n.*'numbers' runs from checkpoint \d+/,
    )
    await expectComplete(ended)
  })

  test('EN-209 one flipped bit in the newest state: the previous checkpoint is used, with a warning', async () => {
    await stopWithNewState()
    // Segments are append-only, so the last byte of the newest one belongs to the newest checkpoint only.
    await flip((await segments()).at(-1)!, 1)
    expect(await soundness()).toEqual([false, true])
    const ended = await start(numbers).ended
    expect(ended.err).toMatch(
      /warning: checkpoint \d+ cannot be used: CHECKPOINT_CORRUPT: \S+\.seg.*; falling back to checkpoint \d+: results committed since then may be written again/,
    )
    await expectComplete(ended)
  })

  test('EN-209 a manifest that was half written when the process was killed is ignored', async () => {
    job.kill('SIGKILL')
    await job.ended
    const [newest] = await manifests()
    const half = await open(newest!.replace(/\d+\.\d+\.json$/, '0000000999.1.json.1.tmp'), 'w')
    await half.write((await readFile(newest!)).subarray(0, 300))
    await half.close()
    const ended = await start(numbers).ended
    expect(ended.err).not.toContain('warning')
    await expectComplete(ended)
    expect(await output()).toHaveLength(100)
  })

  test('every manifest is damaged: the job fails with exit code 5 and advice instead of starting empty', async () => {
    await stop()
    for (const path of await manifests()) await flip(path, 0.5)
    await expectRefused(
      /^CHECKPOINT_CORRUPT: none of the 2 checkpoints in \S+ can be read; restore the directory from a copy, or start with another data directory$/m,
    )
  })

  test.each([
    ['damaged', (path: string) => flip(path, 0)],
    ['empty', (path: string) => truncate(path)],
    ['gone', (path: string) => rm(path)],
  ])(
    'every segment %s: the job fails with exit code 5 and advice instead of starting empty',
    async (_, harm) => {
      await stop()
      for (const path of await segments()) await harm(path)
      await expectRefused(
        /^CHECKPOINT_CORRUPT: none of the 2 checkpoints in \S+ can be used; restore the data directory from a copy, or start with another one\. The last one tried: .*\.seg/m,
      )
    },
  )

  test('EN-238 an operator was renamed: the job fails and says what is missing and what to do', async () => {
    await stop()
    const { code, err } = await start(named).ended
    expect(err).toMatch(
      /^CHECKPOINT_INCOMPATIBLE: checkpoint \d+ does not fit this program, and nothing was restored or changed\. 'sums': the program no longer has it \(if it was renamed to 'totals', use the old name\)\. Restore its name, or drop its state with --drop-state sums$/m,
    )
    expect(code).toBe(5)
    // Under its old name the operator continues.
    const ended = await start(named, '--parameter', 'name=sums').ended
    await expectComplete(ended)
    expect(await output()).toHaveLength(100)
  })

  test('EN-238 with --drop-state a renamed operator starts empty, with a warning', async () => {
    await stop()
    const { code, err } = await start(named, '--drop-state', 'sums').ended
    expect(err).toMatch(
      /warning: 'sums' of checkpoint \d+ is dropped: its open windows \(n, sum\) and timers are gone/,
    )
    expect(err).toMatch(/warning: 'totals' is not in checkpoint \d+ and starts empty/)
    expect(code).toBe(0)
  })

  test('a killed process leaves its lock, and the next process acquires it at once', async () => {
    job.kill('SIGKILL')
    await job.ended
    const lock = await readFile(`${directory}/data/owner/epoch-0000000001`, 'utf8')
    expect(JSON.parse(lock.split('\n')[1]!)).toMatchObject({ process: { pid: job.pid } })
    await expectComplete(await start(numbers).ended)
    expect(await output()).toHaveLength(100)
    expect(await readdir(`${directory}/data/owner`)).toEqual(['epoch-0000000002'])
  })

  test('a second process on the same data directory names the first, which continues', async () => {
    // A suspended process still holds its lock.
    job.kill('SIGSTOP')
    const { code, err } = await start(numbers).ended
    job.kill('SIGCONT')
    expect(err).toContain(`${directory}/data is in use by process ${job.pid} on `)
    expect(code).toBe(4)
    await stop()
    await expectComplete(await start(numbers).ended)
    expect(await output()).toHaveLength(100)
  })
})

/** Flips one bit of the byte at this fraction of the file. */
async function flip(path: string, share: number): Promise<void> {
  const file = await open(path, 'r+')
  try {
    const { size } = await file.stat()
    const byte = Buffer.alloc(1)
    const at = Math.min(Math.floor(size * share), size - 1)
    await file.read(byte, 0, 1, at)
    byte[0]! ^= 0x10
    await file.write(byte, 0, 1, at)
  } finally {
    await file.close()
  }
}
