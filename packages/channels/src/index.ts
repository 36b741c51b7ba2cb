// Channels.
export { Channel } from './channel/channel.ts'
export { CLOSED, EMPTY } from './channel/channel-end.ts'
export type { ReceiveChannel, Received, SendChannel } from './channel/channel-end.ts'
export { ReceiveOnly, SendOnly } from './channel/direction.ts'
export type { SendProgress } from './channel/send-progress.ts'
export { ChannelClosedError } from './channel/channel-closed-error.ts'

// Choosing among operations.
export { select, trySelect } from './channel/select.ts'
export type { SelectCases, Selected, SelectOptions, TrySelectOptions } from './channel/select.ts'
export { Selector } from './channel/selector.ts'
export type { SelectorCases } from './channel/selector.ts'
export { after } from './channel/select-case.ts'
export type { Named, SelectCase, Selection } from './channel/select-case.ts'
export { aborted } from './channel/abort-case.ts'
export type { Aborted } from './channel/abort-case.ts'

// Deadline, cancellation and values of one request.
export { background, withoutCancel } from './context/endless-context.ts'
export { withCancel, withDeadline, withTimeout } from './context/cancel-context.ts'
export { withValue } from './context/value-context.ts'
export { fromSignal } from './context/signal-context.ts'
export { ContextKey } from './context/context.ts'
export type { CancellableContext, Context } from './context/context.ts'
export { afterFunc } from './context/after-func.ts'
export { doneCase } from './context/done-case.ts'
export { ContextCancelledError, DeadlineExceededError } from './context/context-error.ts'

// Tasks that wait for one another.
export { Scope } from './task/scope.ts'
export { detach } from './task/detach.ts'
export { ErrGroup } from './task/err-group.ts'
export { WaitGroup } from './task/wait-group.ts'
export { SingleFlight } from './task/single-flight.ts'
export { once } from './task/once.ts'
export { Mutex } from './task/mutex.ts'
export { RwMutex } from './task/rw-mutex.ts'
export { Semaphore } from './task/semaphore.ts'
export type { Lease } from './task/permits.ts'
export { Cond } from './task/cond.ts'

// Timers, tickers and rate limits.
export { Alarm } from './time/alarm.ts'
export { RateLimiter } from './time/rate-limiter.ts'
export type { RateLimiterOptions, Reservation } from './time/rate-limiter.ts'
export { tick, Ticker } from './time/ticker.ts'
export { Timer } from './time/timer.ts'

// For packages that add operations to wait for.
export { promiseOf } from './wait/promise-of.ts'
export { Waiter, WaitQueue } from './wait/wait-queue.ts'

// Inspection.
export { inspect } from './watch/inspector.ts'
export type { Inspector } from './watch/inspector.ts'
export { Roster } from './watch/roster.ts'
export type { RosterOptions, TaskContext, WatchedTask, WatchedWait } from './watch/roster.ts'

// Patterns: tasks between one channel and another.
export { buffer } from './pattern/buffer.ts'
export type { BufferOptions } from './pattern/buffer.ts'
export { bridge, merge, orDone } from './pattern/fan-in.ts'
export { broadcast, fanOut, partition, tee } from './pattern/fan-out.ts'
export type { FanOutOptions, PartitionKey } from './pattern/fan-out.ts'
export { OverflowError } from './pattern/overflow.ts'
export type { LossyChannel, WhenFull } from './pattern/overflow.ts'
export { batch, debounce, throttle } from './pattern/pace.ts'
export type { BatchOptions, DebounceOptions, ThrottleOptions } from './pattern/pace.ts'
export { parallelMap, stage, workerPool } from './pattern/stage.ts'

// Conversions.
export { closedSignal } from './convert/closed-signal.ts'
export { fromEvents, pipeToEmitter } from './convert/events.ts'
export type { Emits, Emitter, EventOptions } from './convert/events.ts'
export { fromIterable } from './convert/iterable.ts'
export { fromNodeReadable, pipeToNodeWritable } from './convert/node-stream.ts'
export type { NodeReadable, NodeWritable } from './convert/node-stream.ts'
export { fromWebReadable, pipeToWebWritable, toWebReadable, toWebWritable } from './convert/web-stream.ts'
export type { WebReadableOptions } from './convert/web-stream.ts'

// Clocks, randomness and schedulers; the rest is in @millrace/world.
export {
  ManualClock,
  microtaskScheduler,
  seededRandom,
  sleep,
  systemClock,
  systemRandom,
  systemScheduler,
  Wakeup,
} from '@millrace/world'
export type { Clock, Random, Scheduler } from '@millrace/world'
