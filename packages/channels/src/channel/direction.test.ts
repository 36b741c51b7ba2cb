import { expect, test } from 'vitest'
import { Channel } from './channel.ts'
import type { ReceiveChannel, SendChannel } from './channel-end.ts'
import { EMPTY } from './channel-end.ts'
import { trySelect } from './select.ts'

test('GO-069 a channel converts to either direction, and neither converts back or to the other', () => {
  const both = new Channel<number>(1)
  const sendOnly: SendChannel<number> = both
  const receiveOnly: ReceiveChannel<number> = both
  // @ts-expect-error a send-only channel is no channel
  const noChannel: Channel<number> = sendOnly
  // @ts-expect-error a receive-only channel does not send
  const noSender: SendChannel<number> = receiveOnly
  // @ts-expect-error a send-only channel does not receive
  const noReceiver: ReceiveChannel<number> = sendOnly
  expect([noChannel, noSender, noReceiver]).toEqual([both, both, both])
})

test('GO-069 a receive-only channel cannot send or close, and a send-only one cannot receive', () => {
  const both = new Channel<number>(1)
  const [receiving, sending] = [both.receiveOnly(), both.sendOnly()]
  // @ts-expect-error the method is not in the type, nor there at run time
  expect(() => receiving.trySend(1)).toThrow(TypeError)
  // @ts-expect-error
  expect(() => receiving.close()).toThrow(TypeError)
  // @ts-expect-error
  expect(() => sending.tryReceive()).toThrow(TypeError)
  // @ts-expect-error
  expect(() => sending[Symbol.asyncIterator]()).toThrow(TypeError)
  // @ts-expect-error
  expect(() => receiving.sendCase(1)).toThrow(TypeError)
  // @ts-expect-error
  expect(() => sending.receiveCase()).toThrow(TypeError)
})

test('directions follow the subtyping of their values', () => {
  const cats = new Channel<{ name: string; lives: number }>(1)
  const animals: ReceiveChannel<{ name: string }> = cats
  const named = new Channel<{ name: string }>(1)
  const catBasket: SendChannel<{ name: string; lives: number }> = named
  // @ts-expect-error not every animal is a cat
  const wrong: SendChannel<{ name: string }> = cats
  expect([animals, catBasket, wrong]).toEqual([cats, named, cats])
})

test('each direction has all operations of its end of the channel', async () => {
  const both = new Channel<number>(3)
  const [receiving, sending] = [both.receiveOnly(), both.sendOnly()]
  await sending.send(1)
  expect(sending.trySend(2)).toBe(true)
  expect(trySelect({ put: sending.sendCase(3) })).toEqual({ case: 'put' })
  expect([sending.length, sending.capacity, receiving.length, receiving.capacity]).toEqual([3, 3, 3, 3])
  sending.close()
  expect(await receiving.receive()).toEqual({ ok: true, value: 1 })
  expect(trySelect({ got: receiving.receiveCase() })).toEqual({ case: 'got', ok: true, value: 2 })
  for await (const value of receiving) expect(value).toBe(3)
  expect(await receiving.values().next()).toEqual({ done: true, value: undefined })
  expect(receiving.tryReceive()).not.toBe(EMPTY)
})
