import { isMillraceError } from '@millrace/core'
import type { Codec, ErrorCode } from '@millrace/core'
import { SimFs } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { StoreRun } from './store-run.ts'

function codec(id: string, version: number): Codec<string> {
  return {
    id,
    version,
    encode: (value, out) => out.text(value),
    decode: (input, stored) => `${input.text()} v${stored}`,
  }
}

function failure(code: ErrorCode, ...words: string[]): (error: unknown) => boolean {
  return (error) => isMillraceError(error, code) && words.every((word) => error.message.includes(word))
}

test('a checkpoint with another codec is rejected with both codecs', async () => {
  const fs = new SimFs()
  const run = await StoreRun.open<string>(fs, { codec: codec('text', 2) })
  run.set(null, 'a', 'one')
  const from = await run.checkpoint()
  await expect(StoreRun.open(fs, { from, codec: codec('words', 1) })).rejects.toSatisfy(
    failure('CHECKPOINT_INCOMPATIBLE', 'operator op', 'state state', 'text version 2', 'words version 1'),
  )
  await expect(StoreRun.open(fs, { from, codec: codec('text', 1) })).rejects.toSatisfy(
    failure('CHECKPOINT_INCOMPATIBLE', 'text version 2', 'text version 1'),
  )
})

test('older versions go to the codec, also when a segment contains several', async () => {
  const fs = new SimFs()
  const first = await StoreRun.open<string>(fs, { codec: codec('text', 1) })
  first.set(null, 'a', 'one')
  first.set(null, 'b', 'two')
  const second = await StoreRun.open<string>(fs, { from: await first.checkpoint(), codec: codec('text', 3) })
  expect(second.get(null, 'a')).toBe('one v1')
  second.set(null, 'b', 'three')
  const third = await StoreRun.open<string>(fs, { from: await second.checkpoint(), codec: codec('text', 4) })
  expect([third.get(null, 'a'), third.get(null, 'b')]).toEqual(['one v1', 'three v3'])
  await expect(
    StoreRun.open(fs, { from: await third.checkpoint(), codec: codec('text', 3) }),
  ).rejects.toSatisfy(failure('CHECKPOINT_INCOMPATIBLE', 'version 4'))
})

test('a table without bytes may change its codec', async () => {
  const fs = new SimFs()
  const first = await StoreRun.open<string>(fs, { codec: codec('text', 1) })
  const from = await first.checkpoint()
  const second = await StoreRun.open<string>(fs, { from, codec: codec('words', 1) })
  expect(second.tables()[0]!.size).toBe(0)
})

test('a value that cannot be encoded names operator, state and key, and the store publishes nothing without it', async () => {
  const refusing: Codec<string> = {
    ...codec('text', 1),
    encode(value, out) {
      out.text(value)
      if (value === 'bad') throw new Error('no such word')
    },
  }
  const run = await StoreRun.open<string>(new SimFs(), { codec: refusing })
  run.set(null, 'a', 'good')
  run.set(null, 'b', 'bad')
  run.freeze()
  const words = ['operator op', 'state state', 'key b', 'codec text', 'no such word']
  expect(() => run.slice()).toThrow(expect.toSatisfy(failure('CODEC_FAILED', ...words)))
  expect(() => run.get(null, 'b')).toThrow(/no such word/)
  await expect(run.store.persist()).rejects.toThrow(/encoded before/)
})

test('a value that is encoded at the second attempt leaves nothing of the first', async () => {
  const fs = new SimFs()
  let refusals = 1
  const moody: Codec<string> = {
    ...codec('text', 1),
    encode(value, out) {
      out.text(value)
      if (value === 'b' && refusals-- > 0) throw new Error('not now')
    },
  }
  const run = await StoreRun.open<string>(fs, { codec: moody })
  for (const key of ['a', 'b', 'c']) run.set(null, key, key)
  run.freeze()
  expect(() => run.slice()).toThrow(/not now/)
  await run.encode()
  const again = await StoreRun.open<string>(fs, { from: await run.store.persist(), codec: codec('text', 1) })
  expect(['a', 'b', 'c'].map((key) => again.get(null, key))).toEqual(['a v1', 'b v1', 'c v1'])
})

test('an undecodable value is rejected with its place', async () => {
  const fs = new SimFs()
  const first = await StoreRun.open<string>(fs, { codec: codec('text', 1) })
  first.set(null, 'a', 'one')
  const from = await first.checkpoint()
  const tooShort: Codec<string> = { ...codec('text', 1), decode: (input) => String(input.byte()) }
  await expect(StoreRun.open(fs, { from, codec: tooShort })).rejects.toSatisfy(
    failure('CODEC_FAILED', 'segment-000001.1.seg, byte 0', 'state state', 'key a'),
  )
})

test('state removed from a program stays removed when a table of its name is added again', async () => {
  const fs = new SimFs()
  const first = await StoreRun.open<string>(fs, { names: ['state', 'other'], codec: codec('text', 1) })
  first.set(null, 'a', 'one')
  first.set(null, 'long', 'x'.repeat(1000))
  first.set(null, 'a', 'one', 'other')
  let from = await first.checkpoint()
  const second = await StoreRun.open<string>(fs, { from, names: ['state'], codec: codec('text', 1) })
  second.set(null, 'a', 'two')
  from = await second.checkpoint()
  const third = await StoreRun.open<string>(fs, {
    from,
    names: ['state', 'other'],
    codec: codec('words', 1),
  }).catch((error: unknown) => error)
  expect(third).toSatisfy(failure('CHECKPOINT_INCOMPATIBLE', 'state state'))
  const fourth = await StoreRun.open<string>(fs, { from, names: ['state', 'other'], codec: codec('text', 1) })
  expect(fourth.tables('other')[0]!.size).toBe(0)
  fourth.set(null, 'b', 'three', 'other')
  from = await fourth.checkpoint()
  const fifth = await StoreRun.open<string>(fs, { from, names: ['state', 'other'], codec: codec('text', 1) })
  expect(fifth.content('other')).toEqual([[[null, [['b', 'three v1']]]]])
})

test('values of every size keep their bytes', async () => {
  const fs = new SimFs()
  const run = await StoreRun.open<string>(fs, { codec: codec('text', 1) })
  const sizes = [0, 1, 125, 126, 127, 128, 129, 16_380, 16_381, 16_382, 16_383, 16_384, 16_385, 2_100_000]
  for (const size of sizes) run.set(null, size, 'é'.repeat(size % 2) + 'x'.repeat(size))
  const again = await StoreRun.open<string>(fs, { from: await run.checkpoint(), codec: codec('text', 1) })
  expect(again.store.usage().liveBytes).toBe(run.store.usage().liveBytes)
  for (const size of sizes) {
    expect(again.get(null, size) === `${'é'.repeat(size % 2)}${'x'.repeat(size)} v1`).toBe(true)
  }
})
