import { memory } from '@millrace/connector-memory'
import { evolvingCodec, structuredCodec, type Codec } from '@millrace/core'
import { EncodedValue, readCheckpoint, type StoredState } from '@millrace/core/job'
import { count, output, state, storedForms, sum, tumbling, type PipelineBuilder } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { simPlatform, type SimPlatform } from '@millrace/testkit'
import { beforeAll, describe, expect, test } from 'vitest'
import { pacedSource } from './paced-source.ts'
import { live, type LifeOptions } from './simulated-job.ts'

interface Payment {
  readonly card: string
  readonly amount: number
  readonly at: number
}

const payments: readonly Payment[] = Array.from({ length: 400 }, (_, i) => ({
  card: `c${i % 4}`,
  amount: i % 200,
  at: 7_200_000 + i * 1_000,
}))

/** Writes a number as one byte. */
const oneByte: Codec<number> = {
  id: 'one byte',
  version: 1,
  encode: (value, out) => out.byte(value),
  decode: (input) => input.byte(),
}

const evolved = evolvingCodec({
  from: structuredCodec<number>(),
  to: structuredCodec<{ readonly last: number }>(),
  migrate: (last) => ({ last }),
})

function keeping(p: PipelineBuilder): void {
  const byCard = p
    .from('payments', pacedSource({ all: payments }, 2))
    .withTimestamps({ timestamp: (payment) => payment.at })
    .keyBy((payment) => payment.card)
  byCard
    .process('last', {
      output: output<number>(),
      state: {
        amount: state.value<number>({ ttl: { after: '1h' } }),
        byAmount: state.map<number, string>(),
        small: state.value({ codec: oneByte }),
        changed: state.value({ codec: evolved }),
      },
      onRecord({ value }, { state: { amount, byAmount, small, changed }, timers }) {
        amount.set(value.amount)
        byAmount.set(value.amount % 3, value.card)
        small.set(value.amount)
        changed.set({ last: value.amount })
        timers.setEvent(1e12)
      },
    })
    .to('last-out', memory.write())
  byCard
    .window(tumbling('1h'))
    .aggregate('hourly', { n: count(), total: sum((payment: Payment) => payment.amount) })
    .to('hourly-out', memory.write())
  byCard.reduce('most', (a, b) => (a.amount > b.amount ? a : b)).to('most-out', memory.write())
}

function read<T>(
  platform: SimPlatform,
  use: (stored: StoredState) => Promise<T>,
  checkpoint?: number,
): Promise<T> {
  const options = { fs: platform.fs, directory: 'data', storeOf: () => memoryStore(), forms: storedForms }
  return readCheckpoint(options, checkpoint, use)
}

const stopAfterTwo: NonNullable<LifeOptions['onEvent']> = (event, job) => {
  if (event.kind === 'checkpointCompleted' && event.figures.checkpoint === 2) void job.stop()
}

const all = { skip: 0, limit: 1_000 }

describe.each([1, 3])('a checkpoint of a job with %i threads, read without its program', (threads) => {
  let platform: SimPlatform

  beforeAll(async () => {
    const life = await live(keeping, {
      parallelism: threads,
      threads,
      checkpoints: { everyMs: 20 },
      onEvent: stopAfterTwo,
    })
    expect(life.result).toEqual({ outcome: 'stopped' })
    ;({ platform } = life)
  })

  test('lists operators with their keys, pieces of state and sizes', async () => {
    const operators = await read(platform, (stored) => stored.list())
    expect(operators.map(({ operator, keys }) => [operator, keys])).toEqual([
      ['last', 4],
      ['hourly', 4],
      ['most', 4],
    ])
    const [last] = operators
    expect(last!.tables.map(({ table, cells }) => [table, cells])).toEqual([
      ['amount', 4],
      ['byAmount', expect.any(Number)],
      ['small', 4],
      ['changed', 4],
      ['#timers', 4],
    ])
    for (const { bytes } of last!.tables) expect(bytes).toBeGreaterThan(0)
  })

  test('returns what an operator keeps for a key, and decodes what needs no program', async () => {
    const rows = await read(platform, (stored) =>
      stored.read({ operator: 'last', key: { is: 'c1' }, ...all }),
    )
    const byTable = new Map(rows.map(({ table, value }) => [table, value]))
    const amount = byTable.get('amount') as number
    expect(amount % 4).toBe(1)
    expect(byTable.get('changed')).toEqual({ last: amount })
    expect(byTable.get('byAmount')).toBe('c1')
    // Its codec is in the program only.
    expect(byTable.get('small')).toEqual(new EncodedValue('one byte', 1, Uint8Array.of(amount)))
  })

  test('names the aggregates of open windows', async () => {
    const rows = await read(platform, (stored) =>
      stored.read({ operator: 'hourly', key: { is: 'c0' }, ...all }),
    )
    expect(rows).toEqual([
      {
        table: 'slices',
        key: 'c0',
        inner: 7_200_000,
        value: { n: expect.any(Number), total: expect.any(Number) },
      },
    ])
  })

  test('names what is near to a wrong operator, piece or number of a checkpoint', async () => {
    await expect(read(platform, (stored) => stored.read({ operator: 'hourli', ...all }))).rejects.toThrow(
      "has no operator 'hourli'. Did you mean 'hourly'?",
    )
    await expect(
      read(platform, (stored) => stored.read({ operator: 'last', table: 'amounts', ...all })),
    ).rejects.toThrow("has no state 'amounts'. Did you mean 'amount'?")
    await expect(read(platform, (stored) => stored.list(), 999)).rejects.toThrow(
      /data has no checkpoint 999; it has \d+(, \d+)*\. A running job keeps the newest ones only/,
    )
  })

  test('changes no file', async () => {
    const before = platform.fs.paths().map((path) => [path, platform.fs.peek(path)])
    await read(platform, (stored) => stored.list())
    await read(platform, (stored) => stored.read({ operator: 'last', ...all }))
    expect(platform.fs.paths().map((path) => [path, platform.fs.peek(path)])).toEqual(before)
  })
})

describe('a checkpoint that cannot be read', () => {
  async function stopped(): Promise<SimPlatform> {
    const { platform } = await live(keeping, {
      checkpoints: { everyMs: 20 },
      onEvent: stopAfterTwo,
    })
    return platform
  }

  test('is reported as damaged with the file, and with the checkpoints besides it', async () => {
    const platform = await stopped()
    const segment = platform.fs.paths().find((path) => path.includes('data/state/'))!
    platform.fs.corrupt(segment, 40, 0x10)
    await expect(read(platform, (stored) => stored.read({ operator: 'last', ...all }))).rejects.toThrow(
      /^checkpoint \d+ of data is damaged: CHECKPOINT_CORRUPT: data\/state\/.*Other checkpoints there: \d+$/,
    )
  })

  test('is not there in a directory without checkpoints', async () => {
    await expect(read(simPlatform({ seed: 1 }), (stored) => stored.list())).rejects.toThrow(
      'data has no checkpoint; give the data directory of a job',
    )
  })

  test('was removed by the running job meanwhile: the newest one is read instead', async () => {
    const platform = await stopped()
    const names = platform.fs.paths().filter((path) => path.includes('data/checkpoints/checkpoint-'))
    let calls = 0
    const checkpoint = await read(platform, async ({ manifest }) => {
      if (++calls === 1) {
        await platform.fs.remove(names.at(-1)!)
        throw Object.assign(new Error('gone'), {
          '@millrace/error': true,
          code: 'FS_NOT_FOUND',
        })
      }
      return manifest.checkpoint
    })
    expect(calls).toBe(2)
    expect(names.at(-2)).toContain(String(checkpoint))
  })
})
