import type { Wakeup } from '@millrace/world'
import type { SourceEntry } from '../checkpoint/manifest.ts'
import type { ConnectorContext, Poll, SplitProgress } from '../connect/source.ts'
import type { PartFrame } from '../disk/profiler.ts'
import type { Batch } from '../record/element.ts'
import { keyGroupRange, type KeyGroupRange } from '../record/key-group.ts'
import { MAX_TIME, MIN_TIME } from '../record/time.ts'
import { TaskMetrics } from '../observe/metrics.ts'
import type { Cursor } from '../operator/cursor.ts'
import type { PartOutput, Tap } from '../operator/tap.ts'
import type { SourceTaskPlan } from '../plan/plan.ts'
import type { StateTable } from '../state/state-store.ts'
import { SplitWatermarks } from '../time/split-watermarks.ts'
import type { TaskWiring } from '../exchange/wiring.ts'
import type { SourceTiming } from './event-time-watch.ts'
import { FinishedSplits, finishedSplitsSpec } from './finished-splits.ts'
import { Outlet } from '../exchange/outlet.ts'
import type { AlignedSource, AlignedSources } from './source-alignment.ts'
import { SnapshotSlices } from './snapshot-slices.ts'
import { SourceHead } from './source-head.ts'
import { SourceProgress } from './source-progress.ts'
import type { SplitFeed } from './split-feed.ts'
import { maxOpenReaders } from './reading-order.ts'
import { SplitSet, type SplitPosition } from './split-set.ts'
import type { Task, TaskSurroundings } from './task.ts'

/**
 * Reads the splits of one source that belong to this subtask, gives records their time and the stream its watermark.
 *
 * A barrier goes into the stream between two polls; the position of each split is read at that moment and not later.
 */
export class SourceTask implements Task {
  readonly metrics: TaskMetrics
  readonly #plan: SourceTaskPlan
  readonly #around: TaskSurroundings
  readonly #subtask: number
  readonly #groups: KeyGroupRange
  readonly #context: ConnectorContext
  readonly #wakeup: Wakeup
  readonly #cursor: Cursor
  readonly #outlet: Outlet
  readonly #watermarks: SplitWatermarks
  readonly #progress: SourceProgress
  /** Undefined if no source that it meets has a limit. */
  readonly #aligned: AlignedSource | undefined
  readonly #head: SourceHead
  readonly #restored: SourceEntry | undefined
  readonly #finished: StateTable<Uint8Array>
  readonly #snapshot: SnapshotSlices
  #splits!: SplitSet
  /** Positions by checkpoint, until no older checkpoint is kept and they can be acknowledged. */
  readonly #unacknowledged = new Map<number, readonly SplitPosition[]>()
  readonly #barriers: number[] = []
  #acknowledgeUpTo = 0
  #acknowledging: Promise<void> | undefined
  #isEnded = false
  #phase: 'reading' | 'stopped' | 'draining' = 'reading'
  #isPaused = false
  #alarm: Disposable | undefined

  constructor(
    plan: SourceTaskPlan,
    subtask: number,
    wiring: TaskWiring,
    around: TaskSurroundings,
    restored: SourceEntry | undefined,
    aligned: AlignedSources | undefined,
  ) {
    const { cursor, wakeup } = wiring
    this.#plan = plan
    this.#around = around
    this.#subtask = subtask
    this.metrics = new TaskMetrics(plan.name, subtask, 'source', around.loop)
    this.#context = around.connectorContext(plan.name)
    this.#wakeup = wakeup
    around.cancellation.onCancel(() => wakeup.wake())
    this.#cursor = cursor
    this.#groups = keyGroupRange(subtask, around.parallelism, around.keyGroups)
    const reached = around.reached(plan.name, this.#groups)
    // After a change of parallelism the lowest counts; the splits raise it again.
    cursor.watermark = reached.length === 0 ? MIN_TIME : Math.min(...reached.map((run) => run.watermark))
    const timestamps = plan.stamp?.node.timestamps
    this.#watermarks = new SplitWatermarks(
      timestamps?.maxOutOfOrdernessMs ?? 0,
      cursor.watermark,
      timestamps?.generator,
    )
    this.#outlet = new Outlet(wiring.ports, {
      cursor,
      wakeup,
      signal: around.cancellation.signal,
      isBarrierWaiting: () => this.#barriers.length > 0,
      times: this.metrics.times,
    })
    this.#progress = new SourceProgress({
      watermarks: this.#watermarks,
      cursor,
      outlet: this.#outlet,
      metrics: this.metrics,
      clock: this.#context.clock,
      advancesWhenIdle: timestamps?.advancesWhenIdle ?? false,
    })
    this.#aligned = aligned?.join(timestamps?.maxDriftMs, () => wakeup.wake())
    this.#restored = restored
    this.#finished = around.store.table({
      ...finishedSplitsSpec,
      owner: plan.name,
      subtask,
      groups: this.#groups,
    })
    this.#snapshot = new SnapshotSlices(around.store, [plan.name], subtask, around.budget)
    this.#head = new SourceHead(plan, {
      around,
      subtask,
      metrics: this.metrics,
      cursor,
      watermarks: this.#watermarks,
      ports: wiring.ports,
      warn: (message) => this.#context.warn(message),
    })
    this.#measure()
  }

  async open(): Promise<void> {
    const { keyGroups, budget } = this.#around
    this.#splits = this.#makeSplits(await FinishedSplits.load(this.#finished, keyGroups, budget))
    await this.#splits.open()
  }

  start(): void {
    this.#progress.begin()
    this.#align()
  }

  async run(): Promise<void> {
    const { cancellation, budget } = this.#around
    const { signal } = cancellation
    const { times } = this.metrics
    for (;;) {
      signal.throwIfAborted()
      times.run()
      this.#splits.raise()
      await this.#acknowledge()
      const checkpoint = this.#barriers.shift()
      if (checkpoint !== undefined) this.#cut(checkpoint)
      const hasRead = checkpoint === undefined && this.#outlet.hasRoom && (await this.#read())
      if (this.#snapshot.isUnderWay) {
        this.#snapshot.slice()
        await budget.turn()
      } else if (checkpoint === undefined && !hasRead) {
        times.wait(this.#outlet.hasRoom ? 'idle' : 'backPressured')
        await (this.#outlet.hasRoom ? this.#wait() : this.#wakeup.wait())
      }
      const due = budget.due()
      if (due !== undefined) await due
    }
  }

  /** Puts the barrier of `checkpoint` into the stream before the next poll. */
  requestBarrier(checkpoint: number): void {
    this.#barriers.push(checkpoint)
    this.#wakeup.wake()
  }

  /** Stops reading. With `drain` the input counts as ended: windows and timers fire. */
  stop(drain: boolean): void {
    this.#phase = drain ? 'draining' : 'stopped'
    this.#wakeup.wake()
  }

  /** Stops reading until it is called with false. Event time waits meanwhile: its splits do not become idle. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused
    this.#wakeup.wake()
  }

  /** Its progress in event time; undefined without event times, and before it is open. */
  get timing(): SourceTiming | undefined {
    const { name, stamp } = this.#plan
    if (stamp === undefined || (this.#splits as SplitSet | undefined) === undefined) return undefined
    const { maxOutOfOrdernessMs, idleAfterMs } = stamp.node.timestamps
    const { holder } = this.#splits
    return {
      source: name,
      subtask: this.#subtask,
      watermark: this.#watermarks.current,
      seen: this.metrics.newest - maxOutOfOrdernessMs,
      isActive: !this.#isEnded && !this.#watermarks.isIdle,
      split: holder?.label,
      isQuiet: holder?.quietSince !== undefined,
      idleAfterMs,
    }
  }

  checkpointCompleted(): void {}

  /**
   * Every checkpoint older than `checkpoint` is deleted, so no restart will read from before its positions. Later ones
   * are not acknowledged yet: the job may have to fall back to this one.
   */
  acknowledgeUpTo(checkpoint: number): void {
    this.#acknowledgeUpTo = Math.max(this.#acknowledgeUpTo, checkpoint)
    this.#wakeup.wake()
  }

  /** No later checkpoint follows, so readers that want it are notified of its positions now. */
  async acknowledgeLast(checkpoint: number): Promise<void> {
    await this.#acknowledging
    const positions = this.#unacknowledged.get(checkpoint) ?? []
    await this.#splits.acknowledge(positions.filter(({ feed }) => feed.acknowledgesLast))
  }

  checkpointAbandoned(checkpoint: number): void {
    this.#unacknowledged.delete(checkpoint)
    const at = this.#barriers.indexOf(checkpoint)
    if (at >= 0) this.#barriers.splice(at, 1)
  }

  async close(): Promise<void> {
    this.#alarm?.[Symbol.dispose]()
    await (this.#splits as SplitSet | undefined)?.close()
  }

  /** Emits the records of one split. Returns false if there is nothing to do now. */
  async #read(): Promise<boolean> {
    if (this.#isEnded || this.#phase === 'stopped') return false
    if (this.#isPaused && this.#phase === 'reading') return false
    if (this.#phase === 'draining' || this.#splits.isExhausted) {
      await this.#end()
      return true
    }
    this.#splits.rediscover()
    if (await this.#splits.openNext()) return true
    const polled = this.#splits.poll(Math.min(this.#around.batchRecords, this.#outlet.batchRecords))
    if (polled === undefined) {
      this.#noticeQuiet()
      return false
    }
    const { feed, poll } = polled
    if (poll.kind === 'records') await this.#emit(feed, poll)
    else if (poll.kind === 'end') await this.#splits.end(feed, poll.isFinal === true)
    else if (poll.progress !== undefined) this.#advance(feed, poll.progress)
    this.#progress.announce()
    this.#align()
    return true
  }

  async #emit(feed: SplitFeed, poll: Extract<Poll<unknown>, { kind: 'records' }>): Promise<void> {
    const { values, headers, stamps } = poll
    const { budget } = this.#around
    const failures = poll.failures ?? []
    this.metrics.recordsIn += values.length
    this.metrics.recordsOut += values.length
    this.#watermarks.read(feed.time)
    this.#progress.announceIdle()
    this.#cursor.enter({ origin: poll.origin } as Batch)
    const { receiver } = this.#head
    let failure = 0
    for (let i = 0; i < values.length; i++) {
      while (failure < failures.length && failures[failure]!.index <= i)
        this.#head.reject(feed.label, failures[failure++]!)
      this.#cursor.originIndex = stamps?.originIndex?.[i] ?? i
      this.#cursor.headers = headers?.[i]
      if (stamps !== undefined) this.#cursor.watermark = this.#watermarks.observe(stamps.watermarks[i]!)
      receiver.receive(values[i], stamps === undefined ? Number.NaN : stamps.times[i]!)
      if (this.#cursor.isFull) {
        const room = this.#outlet.flush()
        if (room !== undefined) await room
      }
      if (budget.spend()) {
        await budget.turn()
        this.#around.cancellation.signal.throwIfAborted()
      }
    }
    while (failure < failures.length) this.#head.reject(feed.label, failures[failure++]!)
    const room = this.#outlet.flush()
    if (room !== undefined) await room
    this.metrics.newest = Math.max(this.metrics.newest, feed.time.newest)
  }

  /** Follows a split that says by itself how far it is. An idle one has to be active for a moment: later tasks ignore what is idle. */
  #advance({ time }: SplitFeed, { watermark, isIdle }: SplitProgress): void {
    if (watermark > time.newest) {
      this.#watermarks.read(time)
      this.#watermarks.observe(watermark)
      this.#progress.announceIdle()
      this.#progress.announce()
    }
    this.#watermarks[isIdle ? 'idle' : 'read'](time)
  }

  async #end(): Promise<void> {
    await this.#outlet.flush()
    this.#isEnded = true
    this.metrics.watermark = MAX_TIME
    this.#align()
    this.#outlet.mark({ kind: 'end' })
    this.#around.ended(this.#plan.name, this.#subtask)
  }

  #cut(checkpoint: number): void {
    const splits = this.#splits.entries()
    const finished = this.#splits.finished
    const { watermark } = this.#cursor
    const reached = { ...this.#groups, watermark, hasEnded: false, firedTo: MIN_TIME }
    this.#unacknowledged.set(checkpoint, this.#splits.toAcknowledge())
    this.#outlet.mark({ kind: 'barrier', checkpoint })
    const { loop } = this.#around
    const cutAt = loop.now()
    this.#snapshot.begin(() => {
      this.#around.report(checkpoint, {
        task: this.#plan.name,
        subtask: this.#subtask,
        encodeMs: loop.now() - cutAt,
        reached: new Map([[this.#plan.name, [reached]]]),
        splits,
        finished,
      })
    })
  }

  async #acknowledge(): Promise<void> {
    for (const [checkpoint, splits] of this.#unacknowledged) {
      if (checkpoint > this.#acknowledgeUpTo) return
      this.#unacknowledged.delete(checkpoint)
      this.#acknowledging = this.#splits.acknowledge(splits)
      await this.#acknowledging
    }
  }

  async #wait(): Promise<void> {
    const isReading = !this.#isEnded && this.#phase === 'reading' && !this.#isPaused
    const at = isReading ? Math.min(this.#splits.nextDeadline, this.#progress.nextAt) : MAX_TIME
    if (at !== MAX_TIME) {
      const { clock } = this.#context
      this.#alarm = clock.schedule(Math.max(0, at - clock.monotonic()), () => this.#wakeup.wake())
    }
    await this.#wakeup.wait()
    this.#alarm?.[Symbol.dispose]()
    this.#alarm = undefined
    if (isReading) this.#noticeQuiet()
  }

  #noticeQuiet(): void {
    if (this.#isEnded) return
    this.#splits.noticeQuiet()
    this.#progress.announce()
    this.#progress.step()
    this.#align()
  }

  #align(): void {
    this.#aligned?.report(this.#watermarks.current, !this.#isEnded && !this.#watermarks.isIdle)
  }

  #makeSplits(finished: FinishedSplits): SplitSet {
    const around = this.#around
    const { parallelism, keyGroups, batchRecords, budget } = around
    const { name, node, stamp } = this.#plan
    return new SplitSet({
      source: node.source,
      context: this.#context,
      readerContext: () => around.readerContext(name),
      subtask: this.#subtask,
      parallelism,
      keyGroups,
      watermarks: this.#watermarks,
      hasTimestamps: stamp !== undefined,
      mayRead: this.#aligned && ((watermark) => this.#aligned!.mayRead(watermark)),
      turnRecords: batchRecords,
      maxOpenReaders: maxOpenReaders(node.source, around.maxOpenReaders),
      idleAfterMs: stamp?.node.timestamps.idleAfterMs,
      restored: this.#restored,
      endedAt: around.isAfterEnd && stamp !== undefined ? this.#cursor.watermark : MIN_TIME,
      finished,
      budget,
      wake: () => this.#wakeup.wake(),
    })
  }

  frameParts(isFramed: boolean): readonly PartFrame[] {
    return this.#head.frameParts(isFramed)
  }

  tap(output: PartOutput, tap: Tap | undefined): void {
    this.#head.tap(output, tap)
  }

  #measure(): void {
    const [metrics, operator] = [this.metrics, this.#plan.name]
    metrics.flows = () => [
      { operator, recordsIn: metrics.recordsIn, recordsOut: metrics.recordsOut },
      ...this.#head.flows(),
    ]
    metrics.bytes = () => (this.#splits as SplitSet | undefined)?.bytes
    metrics.splits = () => (this.#splits as SplitSet | undefined)?.samples(this.#isPaused) ?? []
  }
}
