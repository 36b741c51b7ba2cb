/**
 * The benchmark shapes of `channels.bench.ts`, as a user writes them. `bench/channel-rivals/go/main.go` does the same in Go.
 */
import {
  background,
  Channel,
  Scope,
  select,
  Selector,
  trySelect,
  WaitGroup,
  withCancel,
} from '@millrace/channels'
import type { Shape } from './compare.ts'

const batchSize = 128

/** Two tasks and a channel. */
function pipe(capacity: number, signal?: AbortSignal): Shape {
  return async (operations) => {
    const channel = new Channel<number>(capacity)
    const sending = (async () => {
      for (let n = 0; n < operations; n++) await channel.send(n, signal)
    })()
    for (let n = 0; n < operations; n++) await channel.receive(signal)
    await sending
  }
}

/** The same, but both tasks wait only when necessary. */
function pipeTryingFirst(capacity: number): Shape {
  return async (operations) => {
    const channel = new Channel<number>(capacity)
    const sending = (async () => {
      for (let n = 0; n < operations; n++) if (!channel.trySend(n)) await channel.send(n)
    })()
    for (let n = 0; n < operations; n++) if (typeof channel.tryReceive() !== 'number') await channel.receive()
    await sending
  }
}

/** The values travel in batches: one promise per batch and side. */
const batches: Shape = async (operations) => {
  const channel = new Channel<number>(batchSize)
  const sending = (async () => {
    for (let n = 0; n < operations; n += batchSize) {
      const batch = Array<number>(batchSize)
      for (let i = 0; i < batchSize; i++) batch[i] = n + i
      await channel.sendMany(batch)
    }
    channel.close()
  })()
  let sum = 0
  for (;;) {
    const batch = await channel.receiveMany(batchSize)
    if (batch.length === 0) break
    for (let i = 0; i < batch.length; i++) sum += batch[i]!
  }
  if (sum < operations) throw new Error(`the values sum up to ${sum}`)
  await sending
}

const oneTask: Shape = async (operations) => {
  const channel = new Channel<number>(64)
  for (let n = 0; n < operations; n++) {
    await channel.send(n)
    await channel.receive()
  }
}

const tryOneTask: Shape = (operations) => {
  const channel = new Channel<number>(64)
  for (let n = 0; n < operations; n++) {
    channel.trySend(n)
    channel.tryReceive()
  }
}

/** The channel that delivers a value gets it back. */
const selectTwoReady: Shape = async (operations) => {
  const [a, b] = [channelOfTwo(), channelOfTwo()]
  for (let n = 0; n < operations; n++) {
    const chosen = await select({ a: a.receiveCase(), b: b.receiveCase() })
    if (chosen.case === 'a') a.trySend(n)
    else b.trySend(n)
  }
}

/** The same with a selector, which is prepared once. */
const selectorTwoReady: Shape = async (operations) => {
  const [a, b] = [channelOfTwo(), channelOfTwo()]
  const selector = new Selector({ a: a.receiveCase(), b: b.receiveCase() })
  for (let n = 0; n < operations; n++) {
    const chosen = await selector.next()
    if (chosen.case === 'a') a.trySend(n)
    else b.trySend(n)
  }
}

const selectorFourReady: Shape = async (operations) => {
  const [a, b, c, d] = [channelOfTwo(), channelOfTwo(), channelOfTwo(), channelOfTwo()]
  const selector = new Selector({
    a: a.receiveCase(),
    b: b.receiveCase(),
    c: c.receiveCase(),
    d: d.receiveCase(),
  })
  for (let n = 0; n < operations; n++) {
    const chosen = await selector.next()
    if (chosen.case === 'a') a.trySend(n)
    else if (chosen.case === 'b') b.trySend(n)
    else if (chosen.case === 'c') c.trySend(n)
    else d.trySend(n)
  }
}

const selectorWithDefault: Shape = (operations) => {
  const selector = new Selector({
    a: new Channel<number>().receiveCase(),
    b: new Channel<number>().receiveCase(),
  })
  for (let n = 0; n < operations; n++) if (selector.try() !== undefined) throw new Error('nothing was sent')
}

const selectorTwoWaits: Shape = async (operations) => {
  const [a, b] = [new Channel<number>(), new Channel<number>()]
  const sending = sendInTurn([a, b], operations)
  const selector = new Selector({ a: a.receiveCase(), b: b.receiveCase() })
  while ((await selector.next()).ok);
  await sending
}

const selectorFourWaits: Shape = async (operations) => {
  const channels = [
    new Channel<number>(),
    new Channel<number>(),
    new Channel<number>(),
    new Channel<number>(),
  ] as const
  const [a, b, c, d] = channels
  const sending = sendInTurn(channels, operations)
  const selector = new Selector({
    a: a.receiveCase(),
    b: b.receiveCase(),
    c: c.receiveCase(),
    d: d.receiveCase(),
  })
  while ((await selector.next()).ok);
  await sending
}

const selectFourReady: Shape = async (operations) => {
  const [a, b, c, d] = [channelOfTwo(), channelOfTwo(), channelOfTwo(), channelOfTwo()]
  for (let n = 0; n < operations; n++) {
    const chosen = await select({
      a: a.receiveCase(),
      b: b.receiveCase(),
      c: c.receiveCase(),
      d: d.receiveCase(),
    })
    if (chosen.case === 'a') a.trySend(n)
    else if (chosen.case === 'b') b.trySend(n)
    else if (chosen.case === 'c') c.trySend(n)
    else d.trySend(n)
  }
}

function channelOfTwo(): Channel<number> {
  const channel = new Channel<number>(2)
  channel.trySend(0)
  return channel
}

const selectWithDefault: Shape = (operations) => {
  const [a, b] = [new Channel<number>(), new Channel<number>()]
  for (let n = 0; n < operations; n++) {
    if (trySelect({ a: a.receiveCase(), b: b.receiveCase() }) !== undefined)
      throw new Error('nothing was sent')
  }
}

/** The select waits, and another task wakes it on each of its channels in turn. */
const selectTwoWaits: Shape = async (operations) => {
  const [a, b] = [new Channel<number>(), new Channel<number>()]
  const sending = sendInTurn([a, b], operations)
  for (;;) {
    const chosen = await select({ a: a.receiveCase(), b: b.receiveCase() })
    if (!chosen.ok) break
  }
  await sending
}

const selectFourWaits: Shape = async (operations) => {
  const [a, b, c, d] = [
    new Channel<number>(),
    new Channel<number>(),
    new Channel<number>(),
    new Channel<number>(),
  ]
  const sending = sendInTurn([a, b, c, d], operations)
  for (;;) {
    const chosen = await select({
      a: a.receiveCase(),
      b: b.receiveCase(),
      c: c.receiveCase(),
      d: d.receiveCase(),
    })
    if (!chosen.ok) break
  }
  await sending
}

async function sendInTurn(channels: readonly Channel<number>[], operations: number): Promise<void> {
  for (let n = 0; n < operations; n += channels.length) {
    for (const channel of channels) await channel.send(n)
  }
  channels[0]!.close()
}

const spawnAndJoin: Shape = async (operations) => {
  const group = new WaitGroup()
  for (let n = 0; n < operations; n++) void group.go(async () => undefined)
  await group.wait()
}

const scopeOfOne: Shape = async (operations) => {
  for (let n = 0; n < operations; n++) {
    await using scope = new Scope()
    scope.go(async () => undefined)
    await scope.wait()
  }
}

/**
 * Trees of 1,000 contexts, each with four children: built, cancelled at the root, and checked at the last
 * leaf.
 */
const cancelTree: Shape = (operations) => {
  for (let done = 0; done < operations; done += 1_000) {
    const contexts = [withCancel(background)]
    for (let n = 1; n < 1_000; n++) contexts.push(withCancel(contexts[Math.floor((n - 1) / 4)]!))
    contexts[0]!.cancel()
    if (contexts[999]!.error === undefined) throw new Error('the last leaf was not cancelled')
  }
}

const fanOut: Shape = async (operations) => {
  const [jobs, results] = [new Channel<number>(128), new Channel<number>(128)]
  const workers = new WaitGroup()
  for (let worker = 0; worker < 3; worker++) {
    void workers.go(async () => {
      for await (const job of jobs) await results.send(job + 1)
    })
  }
  const sending = (async () => {
    for (let n = 0; n < operations; n++) await jobs.send(n)
    jobs.close()
    await workers.wait()
    results.close()
  })()
  let received = 0
  for await (const _ of results) received += 1
  if (received !== operations) throw new Error(`received ${received} of ${operations}`)
  await sending
}

/** All shapes, by name. */
export const shapes = {
  unbuffered: pipe(0),
  unbufferedWithSignal: pipe(0, new AbortController().signal),
  bufferOfOne: pipe(1),
  bufferOfMany: pipe(128),
  bufferTryingFirst: pipeTryingFirst(128),
  batches,
  oneTask,
  tryOneTask,
  selectTwoReady,
  selectorTwoReady,
  selectorFourReady,
  selectorWithDefault,
  selectorTwoWaits,
  selectorFourWaits,
  selectFourReady,
  selectWithDefault,
  selectTwoWaits,
  selectFourWaits,
  spawnAndJoin,
  scopeOfOne,
  cancelTree,
  fanOut,
} satisfies Readonly<Record<string, Shape>>
