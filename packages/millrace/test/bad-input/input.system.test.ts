import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { DeadLetter } from 'millrace'
import { seededRandom } from '@millrace/world'
import { beforeEach, describe, expect, test } from 'vitest'
import { millrace, scratch, type Ended } from '../command.ts'

const program = fileURLToPath(new URL('pipelines/records.ts', import.meta.url))
const mib = 1024 * 1024

describe('invalid input', () => {
  let directory: string
  beforeEach(async () => {
    directory = await scratch()
  })

  /** Runs the job over one file with these bytes. */
  async function over(name: string, bytes: Uint8Array | string, ...options: string[]): Promise<Ended> {
    await writeFile(`${directory}/${name}`, bytes)
    const where = ['--data-dir', `${directory}/data`, '--parameter', `out=${directory}/out`]
    const input = ['--parameter', `in=${directory}/${name}`, '--restart', 'none']
    return millrace(['run', program, '--bounded', ...where, ...input, ...options])
  }

  async function written(name: string): Promise<readonly string[]> {
    const text = await readFile(`${directory}/out/${name}.ndjson`, 'utf8').catch(() => '')
    return text === '' ? [] : text.trimEnd().split('\n')
  }

  async function rejected(): Promise<readonly DeadLetter[]> {
    return (await written('rejected')).map((line) => JSON.parse(line) as DeadLetter)
  }

  test('a file of random bytes stops the job, which names the line and byte', async () => {
    const { code, err } = await over('noise.ndjson', noise(64 * 1024))
    expect(err).toMatch(
      /OPERATOR_FAILED: operator 'things' failed at source 'things', split '\S+noise\.ndjson', line \d+, byte \d+: DECODE_FAILED: /,
    )
    expect(code).toBe(1)
    expect(await written('copies')).toEqual([])
  })

  test('EN-245 every line of a file of random bytes is a dead letter with its exact bytes', async () => {
    // Without carriage returns: a digit alone in a line is a JSON value.
    const bytes = noise(64 * 1024).map((byte) => (byte === 0x0d ? 0x0c : byte))
    const { code, err } = await over('noise.ndjson', bytes, '--parameter', 'policy=deadLetter')
    expect(err).toMatch(/finished: ([\d,]+) records in, 0 out, \1 dead letters/)
    expect(code).toBe(0)
    const letters = await rejected()
    expect(letters.length).toBeGreaterThan(100)
    for (const { raw, place, code: reason } of letters) {
      const at = Number(/byte (\d+)$/.exec(place)![1])
      const exact = Buffer.from(raw!, 'base64')
      expect(exact).toEqual(Buffer.from(bytes.subarray(at, at + exact.length)))
      expect(reason).toBe('DECODE_FAILED')
    }
  })

  test.each(['skip', 'deadLetter'])(
    'a truncated gzip file stops the job under any policy (%s), since the rest cannot be read',
    async (policy) => {
      const lines = Array.from({ length: 50_000 }, (_, n) => `{"n":${n + 100}}\n`).join('')
      const whole = gzipSync(lines)
      const cut = whole.subarray(0, whole.length >> 1)
      const { code, err } = await over('cut.ndjson.gz', cut, '--parameter', `policy=${policy}`)
      expect(err).toMatch(
        /^SOURCE_FAILED: source 'things', split '\S+cut\.ndjson\.gz' could not be read: DECODE_FAILED: .*cut\.ndjson\.gz byte \d+ \(\d+ inflated\): the gzip file is damaged: unexpected end of file; restore it from the original$/m,
      )
      expect(code).toBe(1)
      expect(await written('copies')).toEqual([])
    },
  )

  test('200 KB of nested brackets are one dead letter, and the lines around them arrive', async () => {
    const brackets = '['.repeat(100 * 1024) + ']'.repeat(100 * 1024)
    const text = `{"n":1}\n${brackets}\n{"n":2}\n`
    const { code, err } = await over('deep.ndjson', text, '--parameter', 'policy=deadLetter')
    expect(err).toMatch(/finished: 3 records in, 2 out, 1 dead letter;/)
    expect(code).toBe(0)
    expect(await written('copies')).toEqual(['{"n":1}', '{"n":2}'])
    const [letter] = await rejected()
    expect(letter).toMatchObject({ code: 'DECODE_FAILED', operator: 'things', value: null })
    expect(letter!.message).toMatch(/nested/)
    expect(letter!.place).toMatch(/deep\.ndjson.*, line 2, byte 8$/)
    expect(Buffer.from(letter!.raw!, 'base64').toString()).toBe(brackets)
  })

  test('a line of 50 MB stops the job with the limit and the option that raises it', async () => {
    const { code, err } = await over('long.ndjson', longLine(50 * mib))
    expect(err).toMatch(
      /split '\S+long\.ndjson', line 2, byte 8: RECORD_TOO_LARGE: the record has more than 16777216 bytes and 16777216 are allowed; split it, or raise recordBytesMax/,
    )
    expect(code).toBe(1)
  })

  test('a line of 50 MB is one dead letter with its beginning, and the lines around it arrive', async () => {
    const { code } = await over('long.ndjson', longLine(50 * mib), '--parameter', 'policy=deadLetter')
    expect(code).toBe(0)
    expect(await written('copies')).toEqual(['{"n":1}', '{"n":2}'])
    const letters = await rejected()
    expect(letters.map(({ code: reason }) => reason)).toEqual(['RECORD_TOO_LARGE'])
    expect(Buffer.from(letters[0]!.raw!, 'base64').toString()).toBe(`"${'x'.repeat(1023)}`)
  })

  test('a poison record ends in a crash loop error that names its line', async () => {
    const { code, err } = await over('thirteen.ndjson', '{"n":12}\n{"n":13}\n{"n":14}\n', '--restart', '1')
    expect(err).toMatch(/error: OPERATOR_FAILED: .*starting again in/s)
    expect(err).toMatch(
      /^CRASH_LOOP: the job failed 2 times and is not restarted again; nothing after its last checkpoint was committed\. The last 2 failures were at the same place, check at source 'things', split '\S+thirteen\.ndjson', line 2, byte 9: the record there is likely poison\. Fix the operator, or give it an error policy of skip or deadLetter\. The last failure: .*thirteen is unlucky/m,
    )
    expect(err).toMatch(/at check .*records\.ts:\d+/)
    expect(code).toBe(1)
    expect(await written('copies')).toEqual([])
  })

  test('an existing file at the output path stops the job at once, and stays as it is', async () => {
    await mkdir(`${directory}/out`)
    await writeFile(`${directory}/out/copies.ndjson`, '{"old":true}\n')
    const { code, err } = await over('fine.ndjson', '{"n":1}\n', '--restart', '3')
    expect(err).toMatch(
      /^SINK_FAILED: sink 'copies' could not be opened: FS_EXISTS: .*copies\.ndjson already exists, and no checkpoint of this job has written it; move it away, or set ifExists to 'append' or 'replace'$/m,
    )
    expect(err).not.toContain('starting again')
    expect(code).toBe(1)
    expect(await written('copies')).toEqual(['{"old":true}'])
  })

  test('EN-245 a dead letter carries the exact bytes, the place, the error and its stack', async () => {
    const started = Date.now()
    const poison = '{ "n" : 13.0,\t"caf\u00e9": "\u0000" }'.replace('\u0000', '\\u0000')
    const { code } = await over(
      'thirteen.ndjson',
      `{"n":12}\r\n${poison}\r\n{"n":14}`,
      '--parameter',
      'policy=deadLetter',
    )
    expect(code).toBe(0)
    expect(await written('copies')).toEqual(['{"n":12}', '{"n":14}'])
    const [letter, ...others] = await rejected()
    expect(others).toEqual([])
    expect(letter).toMatchObject({
      pipeline: 'records',
      operator: 'check',
      code: 'OPERATOR_FAILED',
      message: 'thirteen is unlucky',
      place: expect.stringMatching(/^source 'things', split '\S+thirteen\.ndjson', line 2, byte 10$/),
      value: '{"n":13,"café":"\\u0000"}',
      time: null,
    })
    expect(Buffer.from(letter!.raw!, 'base64').toString()).toBe(poison)
    expect(letter!.stack).toMatch(/^Error: thirteen is unlucky\n +at check .*records\.ts:\d+/)
    expect(letter!.failedAt).toBeGreaterThanOrEqual(started)
    expect(letter!.failedAt).toBeLessThanOrEqual(Date.now())
  })
})

function noise(bytes: number): Uint8Array {
  const random = seededRandom(1)
  return Uint8Array.from({ length: bytes }, () => random.int(256))
}

/** A line that is too long, between two valid ones. */
function longLine(bytes: number): Buffer {
  const line = Buffer.alloc(bytes, 'x')
  line.write('"')
  return Buffer.concat([Buffer.from('{"n":1}\n'), line, Buffer.from('"\n{"n":2}\n')])
}
