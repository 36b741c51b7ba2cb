import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import type { Piece } from './chunk.ts'
import { Feed } from './feed.ts'

async function* quietForEver(stopped: AbortSignal): AsyncGenerator<Piece> {
  yield 'quiet'
  await new Promise((resolve) => stopped.addEventListener('abort', resolve, { once: true }))
}

// Node keeps a signal made by AbortSignal.any alive while it has a listener, and with it every chunk read.
test('a stopped feed removes its listener, so that nothing keeps it in memory', async () => {
  const closing = new AbortController()
  const stopped = AbortSignal.any([new AbortController().signal, closing.signal])
  const feed = new Feed(quietForEver(stopped), stopped)
  await feed.ready()
  expect(getEventListeners(stopped, 'abort')).not.toEqual([])
  closing.abort()
  await feed.closed()
  expect(getEventListeners(stopped, 'abort')).toEqual([])
})
