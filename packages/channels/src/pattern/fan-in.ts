import type { ReceiveChannel, SendChannel } from '../channel/channel-end.ts'
import { aborted } from '../channel/abort-case.ts'
import { select } from '../channel/select.ts'
import { feed } from '../task/outlet.ts'
import { requireFlow, requireInput, requireScope } from '../wait/argument.ts'
import { misfit, requireSignal } from '@millrace/world'
import type { Scope } from '../task/scope.ts'

/**
 * Merges several channels into one: fan-in.
 *
 * Values of one input keep their order; inputs interleave as they arrive, and none blocks another. The output
 * closes when all inputs are drained, at once when there are none.
 *
 * @example
 * for await (const line of merge(scope, [stdout, stderr])) print(line)
 */
export function merge<T>(scope: Scope, inputs: readonly ReceiveChannel<T>[]): ReceiveChannel<T> {
  requireScope('merge', scope)
  if (!Array.isArray(inputs)) throw misfit('merge', 'inputs', inputs, 'an array of channels')
  for (const [index, input] of inputs.entries()) requireInput('merge', input, `inputs[${index}]`)
  return feed(
    scope,
    inputs.map((input) => (out, signal) => pass(input, out, signal)),
  )
}

/**
 * Concatenates a channel of channels: the values of the first, then those of the second, and so on.
 *
 * The next channel is received when the previous one is drained. The output closes when the outer channel and
 * the last inner one are drained. The name is from Katherine Cox-Buday's "Concurrency in Go" (2017).
 *
 * @example
 * const pages = new Channel<ReceiveChannel<string>>()
 * for await (const line of bridge(scope, pages)) print(line)
 */
export function bridge<T>(scope: Scope, channels: ReceiveChannel<ReceiveChannel<T>>): ReceiveChannel<T> {
  requireFlow('bridge', scope, channels)
  return feed<T>(scope, [
    async (out, signal) => {
      for await (const channel of channels.values(signal)) {
        requireInput('bridge', channel, 'the received value')
        await pass(channel, out, signal)
      }
    },
  ])
}

/**
 * Returns a channel that also ends when `done` aborts, so a loop over it needs no case for that.
 *
 * Once `done` has aborted nothing more is sent, and the output closes as if the input had. The value in
 * transit then is dropped. The name is from Katherine Cox-Buday's "Concurrency in Go" (2017).
 *
 * @example
 * for await (const job of orDone(scope, jobs, stopping)) await run(job)
 */
export function orDone<T>(scope: Scope, input: ReceiveChannel<T>, done: AbortSignal): ReceiveChannel<T> {
  requireFlow('orDone', scope, input)
  requireSignal('orDone', done)
  const stop = aborted(done)
  return feed<T>(scope, [
    async (out, signal) => {
      while (!done.aborted) {
        const next = await select({ value: input.receiveCase(), stop }, { signal })
        if (next.case === 'stop' || !next.ok || done.aborted) return
        await select({ put: out.sendCase(next.value), stop }, { signal })
      }
    },
  ])
}

async function pass<T>(input: ReceiveChannel<T>, out: SendChannel<T>, signal: AbortSignal): Promise<void> {
  for await (const value of input.values(signal)) await out.send(value, signal)
}
