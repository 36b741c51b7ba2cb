// A context is passed down the calls: it ends by a cancel or a timeout, and carries values.
import {
  background,
  Channel,
  ContextKey,
  DeadlineExceededError,
  Scope,
  sleep,
  systemClock,
  withCancel,
  withTimeout,
  withValue,
  type Context,
} from '@millrace/channels'

const requestId = new ContextKey<string>('requestId')

/** A slow service. It passes the context to everything it waits for. */
async function query(ctx: Context, takesMs: number): Promise<string> {
  await sleep(systemClock, takesMs, ctx.signal)
  return `answer to ${ctx.value(requestId)}`
}

async function ask(ctx: Context, takesMs: number): Promise<void> {
  using limited = withTimeout(ctx, systemClock, 1_000)
  try {
    console.log(await query(limited, takesMs))
  } catch (error) {
    if (!(error instanceof DeadlineExceededError)) throw error
    console.log(`no answer to ${ctx.value(requestId)}: the deadline has passed`)
  }
}

await ask(withValue(background, requestId, 'request 1'), 5)
await ask(withValue(background, requestId, 'request 2'), 60_000)

// Cancelling ends all contexts below, with the cause.
using ctx = withCancel(background)
const ticks = new Channel<number>()

async function count(context: Context): Promise<void> {
  for (let n = 1; context.error === undefined; n++) await ticks.send(n, context.signal)
}

{
  await using scope = new Scope()
  scope.go(async () => {
    await count(ctx).catch((reason: unknown) => console.log(`the counter ends: ${String(reason)}`))
  })
  for await (const n of ticks) {
    console.log(`tick ${n}`)
    if (n === 3) break
  }
  ctx.cancel(new Error('three are enough'))
  await scope.wait()
}
