import { expect } from 'vitest'
import { Channel } from '../src/channel/channel.ts'
import type { ReceiveChannel } from '../src/channel/channel-end.ts'
import { Scope } from '../src/task/scope.ts'
import { sendAll, settle, upTo } from './probe.ts'

/**
 * Expects that `pipe` receives a value only when the previous one is written: when `gate` has let that
 * through.
 */
export async function expectOneAtATime(
  gate: Channel<null>,
  pipe: (scope: Scope, input: ReceiveChannel<number>) => void,
): Promise<void> {
  await using scope = new Scope()
  const input = new Channel<number>(3)
  await sendAll(input, upTo(3))
  pipe(scope, input)
  await settle()
  expect(input.length).toBe(2)
  await gate.send(null)
  await settle()
  expect(input.length).toBe(1)
  gate.close()
}
