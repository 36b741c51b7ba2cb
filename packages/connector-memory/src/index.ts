/** Reads from and writes to the program itself: iterables, channels, events, calls. */
export * as memory from './memory.ts'
export type { Collected, MemorySink, ReadOptions } from './arrays.ts'
export type { FeedOptions } from './feed.ts'
export type { MemoryTable } from './table.ts'
export type { MemoryInput } from './input.ts'
export type { AnyIterable } from './iterable.ts'
export type { MemoryOutput, OutputOptions } from './output.ts'
export type {
  EmitterLike,
  EmitterOptions,
  EventOptions,
  EventSource,
  ObservableLike,
  TargetLike,
} from './pumps.ts'
