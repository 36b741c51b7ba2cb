import type { SimulatorBug } from './planted-bug.ts'

/** Bugs in the flow of records, time and barriers, and in the state of operators. */
export const flowBugs: readonly SimulatorBug[] = [
  {
    name: 'barriers are not aligned',
    plant: {
      file: 'core/src/exchange/barrier-aligner.ts',
      from: 'return this.#hasBarrier[input]!',
      to: 'return false',
    },
    shows: /misses|has twice|has beside|state at the end/,
    seed: 5,
  },
  {
    name: 'a barrier overtakes the records that were emitted before it',
    plant: {
      file: 'core/src/exchange/local-edge.ts',
      from: '    this.#push(element)\n  }\n\n  take',
      to: "    if (element.kind === 'barrier' && !this.isEmpty) this.#queue.splice(this.#head, 0, element)\n    else this.#push(element)\n  }\n\n  take",
    },
    shows: /misses|has twice|has beside|state at the end/,
    seed: 0,
  },
  {
    name: 'the watermark of several inputs is the maximum',
    plant: {
      file: 'core/src/exchange/gate.ts',
      from: 'merged[i] = this.#merger.advance(input, watermarks[i]!)',
      to: `{
        this.#merger.advance(input, watermarks[i]!)
        this.#merger.advanceIdle(watermarks[i]!)
        merged[i] = this.#merger.current
      }`,
    },
    shows: /misses|has beside/,
    seed: 0,
  },
  {
    name: 'a source ignores its other splits when it computes the watermark',
    plant: {
      file: 'core/src/time/split-watermarks.ts',
      from: '    return this.#merger.advance(reading.input, time - this.#maxOutOfOrdernessMs)\n',
      to: `    this.#merger.advance(reading.input, time - this.#maxOutOfOrdernessMs)
    this.#merger.advanceIdle(time - this.#maxOutOfOrdernessMs)
    return this.#merger.current
`,
    },
    shows: /misses|has beside/,
    seed: 0,
  },
  {
    name: 'after a restart a record has a watermark that is ahead of it',
    plant: {
      file: 'core/src/task/split-set.ts',
      from: 'this.#watermarks.add(split, newest, saved)',
      to: 'this.#watermarks.add(split, newest + 2_000, saved)',
    },
    shows: /misses|has beside/,
    seed: 0,
  },
  {
    name: 'the restored watermark is ignored',
    plant: {
      file: 'core/src/checkpoint/restored-job.ts',
      from: 'if (first > last) continue',
      to: 'if (first <= last) continue',
    },
    shows: /misses|has beside/,
    seed: 0,
  },
  {
    name: 'after a rescale the watermark is that of the fastest subtask',
    plant: {
      file: 'core/src/task/source-task.ts',
      from: 'Math.min(...reached.map((run) => run.watermark))',
      to: 'Math.max(...reached.map((run) => run.watermark))',
    },
    shows: /misses|has beside/,
    seed: 78,
  },
  {
    name: 'positions are read after the next poll',
    plant: {
      file: 'core/src/task/source-task.ts',
      from: 'if (checkpoint !== undefined) this.#cut(checkpoint)',
      to: `if (checkpoint !== undefined) {
        this.#outlet.mark({ kind: 'barrier', checkpoint })
        await this.#read()
        this.#cut(checkpoint)
      }`,
    },
    shows: /misses/,
    seed: 12,
  },
  {
    name: 'a finished split is read again after a restart',
    plant: {
      file: 'core/src/task/finished-splits.ts',
      from: 'for (const entry of entriesOn(page)) this.#note',
      to: 'for (const entry of entriesOn(page).slice(1)) this.#note',
    },
    shows: /has twice|has beside|never ends|waits/,
    seed: 25,
  },
  {
    name: 'splits that appear later are not discovered',
    plant: {
      file: 'core/src/task/split-discovery.ts',
      from: 'this.#isComplete = isComplete\n',
      to: 'this.#isComplete = true\n',
    },
    shows: /misses|failed|never ends|waits/,
    seed: 2,
  },
  {
    name: 'a split that is not open is left out of the checkpoint',
    plant: {
      file: 'core/src/task/split-set.ts',
      from: 'Array.from(this.#live.values(), (feed) => feed.entry())',
      to: 'Array.from(this.#live.values()).filter((feed) => feed.isOpen).map((feed) => feed.entry())',
    },
    shows: /has twice|has beside|misses|state at the end/,
    seed: 14,
  },
  {
    name: 'a finished split raises the watermark before the others are open',
    plant: {
      file: 'core/src/time/split-watermarks.ts',
      from: '    this.unread(true)\n',
      to: '',
    },
    shows: /misses|has beside/,
    seed: 5,
  },
  {
    name: 'after a rescale a split starts at the time of the slowest',
    plant: {
      file: 'core/src/time/split-watermarks.ts',
      from: '    this.#merger.advance(split.input, newest - this.#maxOutOfOrdernessMs)\n',
      to: '',
    },
    shows: /misses|has beside/,
    seed: 8,
  },
  {
    name: 'calls in flight are not repeated',
    plant: {
      file: 'core/src/task/async-task.ts',
      from: 'for (const { cell, record } of this.#kept.restored()) {',
      to: 'for (const { cell, record } of [...this.#kept.restored()].slice(0, 0)) {',
    },
    shows: /misses|an added token is new/,
    seed: 3,
  },
  {
    name: 'a completed call is repeated after a restart',
    plant: {
      file: 'core/src/task/async-task.ts',
      from: '      if (call.cell !== undefined) this.#kept.delete(call.cell)\n',
      to: '',
    },
    shows: /has twice|state at the end/,
    seed: 0,
  },
  {
    name: 'results of calls are emitted as they are ready, under any order',
    plant: {
      file: 'core/src/task/async-calls.ts',
      from: 'this.#rules = rules',
      to: "this.#rules = { ...rules, order: rules.order === 'input' ? 'none' : rules.order }",
    },
    shows: /out of order|misses|has beside/,
    seed: 0,
  },
  {
    name: 'calls lose the order within each key',
    plant: {
      file: 'core/src/task/async-calls.ts',
      from: 'this.#rules = rules',
      to: "this.#rules = { ...rules, serial: 'none', order: rules.order === 'key' ? 'none' : rules.order }",
    },
    shows: /'charges' has records of .* out of order|failed|Cannot read/,
    seed: 0,
  },
  {
    name: 'the end of the input does not wait for calls in flight',
    plant: {
      file: 'core/src/task/async-task.ts',
      from: "if (this.#input !== 'ended' || !this.#calls.isEmpty) return",
      to: "if (this.#input !== 'ended') return",
    },
    shows: /misses|has beside/,
    seed: 4,
  },
  {
    name: 'timers are not restored',
    plant: {
      file: 'core/src/operator/chain.ts',
      from: 'if (link.timers !== undefined) yield* link.timers.rebuild()',
      to: '',
    },
    shows: /'silence-out' misses|operator 'silence' failed/,
    seed: 0,
  },
  {
    name: 'a timer that was deleted fires after a restart',
    plant: {
      file: 'core/src/time/timer-heap.ts',
      from: '    if (cell === undefined) return\n    this.#table.delete(cell)\n',
      to: '    if (cell === undefined) return\n',
    },
    shows: /'silence-out' (has|misses)|state at the end/,
    seed: 0,
  },
  {
    name: 'a fired timer stays in the saved state',
    plant: {
      file: 'core/src/time/timer-heap.ts',
      from: 'this.#table.delete(cell)\n    this.#forget(timer)\n    return timer',
      to: 'return timer',
    },
    shows: /'silence-out' (has|misses)|state at the end/,
    seed: 0,
  },
  {
    name: 'windows are not restored',
    plant: {
      file: 'flow/src/window/slice-window-operator.ts',
      from: 'yield* this.#resume(this.#assigner.slice(start as EventTime))',
      to: '',
    },
    shows: /misses/,
    seed: 0,
  },
  {
    name: 'a changed slice is not saved again',
    plant: {
      file: 'flow/src/window/slice-window-operator.ts',
      from: '      this.#table.changed(cell)\n',
      to: '',
    },
    shows: /misses|has beside/,
    seed: 5,
  },
  {
    name: 'the accumulated value of scan is not saved',
    plant: {
      file: 'flow/src/operators/scan.ts',
      from: 'this.#accumulated.set({ value })',
      to: 'if (before === undefined) this.#accumulated.set({ value })\n    else Object.assign(before, { value })',
    },
    shows: /'totals' changes state 'accumulated' in place/,
    seed: 0,
  },
  {
    name: 'key groups are restored to the wrong subtask',
    plant: {
      file: 'core/src/record/key-group.ts',
      from: 'return Math.floor((group * parallelism) / groupCount)',
      to: 'return parallelism < 3 ? Math.floor((group * parallelism) / groupCount) : group % parallelism',
    },
    shows: /key group|misses|has beside|failed/,
    seed: 2,
  },
  {
    name: 'a batch is dropped when there is no space',
    plant: {
      file: 'core/src/exchange/port.ts',
      from: 'else isEmpty = false',
      to: 'else builder.length = 0',
    },
    shows: /misses/,
    seed: 0,
  },
  {
    name: 'waiters are not woken when there is space again',
    plant: {
      file: 'core/src/exchange/local-edge.ts',
      from: '    if (this.hasCredit) this.#producer?.wake()\n',
      to: '',
    },
    shows: /subtasks had not reached it|without an end|misses/,
    seed: 8,
  },
]
