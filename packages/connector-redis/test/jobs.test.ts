import { memory } from '@millrace/connector-memory'
import { MillraceError } from '@millrace/core'
import type { Format } from '@millrace/core/connector'
import { startJob } from '@millrace/core/job'
import type { DeadLetter } from '@millrace/core/operator'
import { deadLetter, pipeline, type Pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { describe, expect, test } from 'vitest'
import { bytesWritten } from '../../../lab/servers/bytes-written.ts'
import { dataDirectory, run, startOn, upTo } from '../../../lab/servers/job-on-disk.ts'
import { redis } from '../src/index.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { client, url, freshKey } = server

async function add(stream: string, first: number, amount: number): Promise<void> {
  const pipelined = client.pipeline()
  for (let n = first; n < first + amount; n++) {
    pipelined.xadd(stream, '*', 'data', JSON.stringify({ n, k: `k${n % 7}` }))
  }
  await pipelined.exec()
}

interface Numbered {
  readonly n: number
  readonly k: string
}

async function numbersIn(stream: string): Promise<number[]> {
  const entries = await client.xrange(stream, '-', '+')
  return entries.map(([, [, text]]) => (JSON.parse(text!) as Numbered).n)
}

function copying(input: string, output: string): Pipeline {
  return pipeline('copy', (p) => {
    p.from('in', redis.readJson<Numbered>(input, { url })).to('out', redis.writeJson(output, { url }))
  })
}

describe.skipIf(server.missing !== undefined)('a job on a real server', () => {
  test('the sink counts the bytes of its commands', async () => {
    const key = freshKey()
    // Each list and each text begins with its length, in five bytes.
    const texts = ['XADD', key, '*', 'data', '"größer"']
    const bytes = Buffer.byteLength(texts.join('')) + 5 * (texts.length + 2)
    expect(await bytesWritten(redis.writeJson(key, { url }), ['größer'])).toBe(bytes)
  })

  test('copies each of 10,000 entries once and in order, while the server is killed and restarted twice', async () => {
    const [input, output] = [freshKey(), freshKey()]
    const warnings: string[] = []
    const job = startOn(copying(input, output), await dataDirectory(), { warnings })
    await expect.poll(() => job.status().lastCheckpoint, { timeout: 300_000 }).toBeDefined()
    for (let third = 0; third < 3; third++) {
      await add(input, third * 3_400, third === 2 ? 3_200 : 3_400)
      if (third < 2) await server.restart()
    }
    await expect.poll(() => client.xlen(output), { timeout: 300_000 }).toBe(10_000)
    await job.stop()
    expect(await numbersIn(output)).toEqual(upTo(10_000))
    expect(warnings.join('\n')).toContain('was lost')
    expect(warnings).toEqual(expect.arrayContaining(['out is open', 'out is half-open', 'out is closed']))
    expect(await client.keys(`millrace:{${output}}*:staged*`)).toEqual([])
  })

  test('reads and writes records in a format of any bytes', async () => {
    const [input, output] = [freshKey(), freshKey()]
    const bytesOf = (n: number): Buffer => Buffer.from([0xff, n, 0x00, 0xfe])
    for (let n = 0; n < 200; n++) await client.xadd(input, '*', 'body', bytesOf(n))
    await client.xadd(input, '*', 'other', 'x')
    await client.xadd(input, '*', 'body', Buffer.from([1]))
    const topics: string[] = []
    const format: Format<number> = {
      name: 'odd',
      contentType: 'application/odd',
      decode: (bytes) => {
        if (bytes.length !== 4) throw new MillraceError('DECODE_FAILED', 'four bytes are expected')
        return bytes[1]!
      },
      encode: bytesOf,
      beginWriting: async ({ topic }) => void topics.push(topic),
    }
    const letters = memory.write<DeadLetter>()
    const built = pipeline('copy', (p) => {
      p.from('in', redis.read(input, { url, format, field: 'body' }), {
        onError: deadLetter('letters', letters),
      })
        .map((n) => n + 1)
        .to('out', redis.write(output, { url, format }))
    })
    expect(await run(built, await dataDirectory())).toEqual({ outcome: 'finished' })
    const entries = await client.xrangeBuffer(output, '-', '+')
    expect(entries.map(([, fields]) => fields[1])).toEqual(upTo(200).map((n) => bytesOf(n + 1)))
    expect(topics).toContain(output)
    expect(letters.values.map(({ message }) => message)).toEqual([
      expect.stringContaining('the entry has no field body; it has other'),
      expect.stringContaining('four bytes are expected'),
    ])
    expect(letters.values[1]!.raw).toBe(Buffer.from([1]).toString('base64'))
  })

  test('waits for a server that is down when the job restarts in its process', async () => {
    const [input, output] = [freshKey(), freshKey()]
    let failures = 1
    const built = pipeline('copy', (p) => {
      p.from('in', redis.readJson<Numbered>(input, { url }))
        .map((record) => {
          if (record.n === 5 && failures-- > 0) throw new Error('fails once')
          return record
        })
        .to('out', redis.writeJson(output, { url }))
    })
    const job = startJob({
      graph: built.describe({}).graph,
      platform: nodePlatform(),
      store: memoryStore(),
      directory: await dataDirectory(),
      isBounded: false,
      checkpoints: { everyMs: 50 },
      restart: { kind: 'fixed', delayMs: 1, attempts: 3 },
      observer: (event) => {
        if (event.kind === 'failed') void server.restart()
      },
    })
    await add(input, 0, 10)
    await expect.poll(() => client.xlen(output), { timeout: 300_000 }).toBe(10)
    await job.stop()
    expect(await numbersIn(output)).toEqual(upTo(10))
    expect(job.status().restarts).toBe(1)
  })

  test('continues where it stopped, and reads what was added meanwhile', async () => {
    const [input, output, directory] = [freshKey(), freshKey(), await dataDirectory()]
    await add(input, 0, 100)
    expect(await run(copying(input, output), directory)).toEqual({ outcome: 'finished' })
    await add(input, 100, 50)
    expect(await run(copying(input, output), directory)).toEqual({ outcome: 'finished' })
    expect(await numbersIn(output)).toEqual(upTo(150))
  })

  test('reads only new entries from `latest`, also when it stops before there is one', async () => {
    const [input, output, directory] = [freshKey(), freshKey(), await dataDirectory()]
    const built = pipeline('copy', (p) => {
      p.from('in', redis.readJson<Numbered>(input, { url, from: 'latest' })).to(
        'out',
        redis.writeJson(output, { url }),
      )
    })
    await add(input, 0, 10)
    const job = startOn(built, directory)
    await expect.poll(() => job.status().lastCheckpoint, { timeout: 300_000 }).toBeDefined()
    await job.stop()
    await add(input, 10, 5)
    await run(built, directory)
    expect(await numbersIn(output)).toEqual([10, 11, 12, 13, 14])
  })

  test('keeps a table and a ranking for other programs', async () => {
    const [input, table, ranking] = [freshKey(), freshKey(), freshKey()]
    await add(input, 0, 100)
    const built = pipeline('views', (p) => {
      const counts = p
        .from('in', redis.readJson<Numbered>(input, { url }))
        .keyBy(({ k }) => k)
        .scan(
          'count',
          () => 0,
          (total) => total + 1,
        )
      counts.to(
        'table',
        redis.writeHash(
          table,
          ({ key }) => key,
          ({ value }) => String(value),
          { url },
        ),
      )
      counts.to(
        'ranking',
        redis.writeSortedSet(
          ranking,
          ({ key }) => key,
          ({ value }) => value,
          { url },
        ),
      )
    })
    expect(await run(built, await dataDirectory())).toEqual({ outcome: 'finished' })
    expect(await client.hgetall(table)).toMatchObject({ k0: '15', k1: '15', k6: '14' })
    expect(await client.zrevrange(ranking, 0, 1)).toEqual(['k1', 'k0'])
  })

  test('keeps a hash equal to a table whose rows are replaced and deleted', async () => {
    const [input, hash, directory] = [freshKey(), freshKey(), await dataDirectory()]
    const built = pipeline('table', (p) => {
      p.from('in', redis.readJson<Numbered>(input, { url }))
        .keyBy(({ k }) => k)
        .toTable('newest', { deleteIf: ({ n }) => n === 8 || n === 10 })
        .map(({ n }) => n)
        .to('table', redis.writeTable<number, string>(hash, { url }))
    })
    await add(input, 0, 9)
    expect(await run(built, directory)).toEqual({ outcome: 'finished' })
    expect(await client.hgetall(hash)).toEqual({ k0: '7', k2: '2', k3: '3', k4: '4', k5: '5', k6: '6' })
    await add(input, 9, 3)
    expect(await run(built, directory)).toEqual({ outcome: 'finished' })
    expect(await client.hgetall(hash)).toEqual({ k0: '7', k2: '9', k4: '11', k5: '5', k6: '6' })
  })

  test('fails when entries that it has not read were trimmed, and continues if it may', async () => {
    const [input, output, directory] = [freshKey(), freshKey(), await dataDirectory()]
    await add(input, 0, 10)
    await run(copying(input, output), directory)
    await add(input, 10, 10)
    await client.xtrim(input, 'MAXLEN', 5)
    expect(await run(copying(input, output), directory)).toMatchObject({
      outcome: 'failed',
      error: { message: expect.stringMatching(/were trimmed or deleted before they were read/) },
    })
    const lenient = pipeline('copy', (p) => {
      p.from('in', redis.readJson<Numbered>(input, { url, ifTrimmed: 'continue' })).to(
        'out',
        redis.writeJson(output, { url }),
      )
    })
    expect(await run(lenient, directory)).toEqual({ outcome: 'finished' })
    expect(await numbersIn(output)).toEqual([...upTo(10), 15, 16, 17, 18, 19])
  })

  test('fails when the stream was deleted and written anew', async () => {
    const [input, output, directory] = [freshKey(), freshKey(), await dataDirectory()]
    await add(input, 0, 10)
    await run(copying(input, output), directory)
    await client.del(input)
    await client.xadd(input, '1-1', 'data', '{"n":99,"k":"a"}')
    expect(await run(copying(input, output), directory)).toMatchObject({
      outcome: 'failed',
      error: { message: expect.stringMatching(/the stream was deleted or replaced/) },
    })
  })

  test('fails on a command that the server rejects, and runs the others once after a fix', async () => {
    const [input, total, log, directory] = [freshKey(), freshKey(), freshKey(), await dataDirectory()]
    await add(input, 0, 10)
    await client.set(log, 'no list')
    const built = pipeline('totals', (p) => {
      p.from('in', redis.readJson<Numbered>(input, { url })).to(
        'out',
        redis.writeCommands<Numbered>(
          total,
          ({ n }) => [
            ['INCRBY', total, '1'],
            ['RPUSH', log, String(n)],
          ],
          { url },
        ),
      )
    })
    expect(await run(built, directory)).toMatchObject({
      outcome: 'failed',
      error: { message: expect.stringMatching(/RPUSH: .*WRONGTYPE/) },
    })
    await client.del(log)
    expect(await run(built, directory)).toEqual({ outcome: 'finished' })
    expect(await client.get(total)).toBe('10')
    expect(await client.lrange(log, 0, -1)).toEqual(upTo(10).map(String))
  })

  test('fails when the server has lost staged output, instead of committing nothing', async () => {
    const output = freshKey()
    const sink = redis.writeJson<number>(output, { url })
    const context = {
      name: 'out',
      clock: nodePlatform().clock,
      random: nodePlatform().random,
      owner: { job: freshKey(), epoch: 1, confirm: () => Promise.resolve() },
      signal: new AbortController().signal,
      warn: () => {},
      down: () => {},
      trying: () => {},
      up: () => {},
    } as never
    const writer = await sink.open(0, [], context)
    const times = new Float64Array(1)
    const batch = {
      length: 1,
      values: [1],
      times,
      watermarks: times,
      origin: undefined,
      originIndex: undefined,
    }
    await writer.write(batch, () => {})
    const staged = await writer.prepare(1)
    await client.del(...(await client.keys(`millrace:{${output}}*`)))
    await expect(writer.commit!(staged!)).rejects.toMatchObject({
      code: 'SINK_FAILED',
      message: expect.stringContaining('was the server emptied'),
    })
    await writer.close()
  })
})

describe('an address', () => {
  test('without a server fails the start at once, without retries', async () => {
    const output = 'out'
    const dead = 'redis://user:secret-word@127.0.0.1:1'
    const built = pipeline('copy', (p) => {
      p.from('in', redis.readJson('in', { url: dead })).to('out', redis.writeJson(output, { url: dead }))
    })
    const result = await run(built, await dataDirectory())
    expect(result).toMatchObject({ outcome: 'failed' })
    const error = result.outcome === 'failed' ? (result.error as Error) : undefined
    expect(error?.message).toMatch(/no connection to 127\.0\.0\.1:1: .*ECONNREFUSED/)
    expect(`${String(error)} ${error?.stack} ${JSON.stringify(error)}`).not.toContain('secret-word')
  })

  test('that is invalid is rejected without printing it', async () => {
    const built = pipeline('copy', (p) => {
      p.from('in', redis.readJson('in', { url: 'secret-word' })).to('out', redis.writeJson('out', {}))
    })
    const result = await run(built, await dataDirectory())
    expect(JSON.stringify(result.outcome === 'failed' && String(result.error))).not.toContain('secret-word')
  })

  test('options that make no sense are refused', () => {
    const invalid = expect.objectContaining({ code: 'OPTION_INVALID' })
    expect(() => redis.readEntries([])).toThrow(invalid)
    expect(() => redis.readEntries('a', { from: 'yesterday' })).toThrow(invalid)
    expect(() => redis.readEntries('a', { ifTrimmed: 'ignore' as never })).toThrow(invalid)
    expect(() => redis.writeJson('a', { maxLength: 0 })).toThrow(invalid)
    // So retry and breaker of to are refused.
    expect(redis.writeJson('a').reconnects).toBe(true)
  })
})
