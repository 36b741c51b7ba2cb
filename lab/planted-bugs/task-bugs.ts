import type { TestedBug } from './planted-bug.ts'

/** Bugs in tasks, edges and asynchronous calls, which specific tests must find. */
export const taskBugs: readonly TestedBug[] = [
  {
    name: 'a barrier waits for credit',
    plant: {
      file: 'core/src/exchange/outlet.ts',
      from: 'return this.#send(this.#around.isBarrierWaiting())',
      to: 'return this.#send(false)',
    },
    files: ['packages/core/test/slow-calls.test.ts'],
    shows: /checkpoint takes under 1 s/,
  },
  {
    name: 'records taken by a task no longer count as queued',
    plant: {
      file: 'core/src/exchange/local-edge.ts',
      from: 'this.#taken += element.batch.length',
      to: 'this.#records -= element.batch.length',
    },
    files: ['packages/core/test/slow-calls.test.ts'],
    shows: /keep their credit/,
  },
  {
    name: 'a source polls without credit',
    plant: {
      file: 'core/src/task/source-task.ts',
      from: 'checkpoint === undefined && this.#outlet.hasRoom && (await this.#read())',
      to: 'checkpoint === undefined && (await this.#read())',
    },
    files: ['packages/core/test/slow-calls.test.ts'],
    shows: /keep their credit|every abandoned checkpoint/,
  },
  {
    name: 'credit before a slow task is not limited by time',
    plant: {
      file: 'core/src/exchange/input-limit.ts',
      from: '(this.#records / this.#busyMs) * waitMs',
      to: 'Number.POSITIVE_INFINITY',
    },
    files: ['packages/core/test/slow-calls.test.ts'],
    shows: /a slow mapAsync bounds the records/,
  },
  {
    name: 'concurrency is unlimited',
    plant: {
      file: 'core/src/task/async-calls.ts',
      from: 'if (this.#running >= concurrency || this.#paused > concurrency * pausedPerCall) return undefined',
      to: '',
    },
    files: ['packages/core/src/task/async-calls.test.ts'],
    shows: /bounds hold/,
  },
  {
    name: 'calls of one key run at the same time',
    plant: {
      file: 'core/src/task/async-calls.ts',
      from: "if (key === undefined || this.#rules.serial === 'none') {",
      to: "if (key === undefined || this.#rules.serial !== 'none') {",
    },
    files: ['packages/core/src/task/async-calls.test.ts'],
    shows: /one call of each key/,
  },
  {
    name: 'after a rescale the watermark of mapAsync is not the lowest of the merged ones',
    plant: {
      file: 'core/src/task/async-calls.ts',
      from: '    this.#lower(record.watermark)\n',
      to: '',
    },
    files: ['packages/core/src/task/async-calls.test.ts'],
    shows: /lowers the watermark of earlier ones/,
  },
  {
    name: 'mapAsync accepts records that a checkpoint cannot store',
    plant: {
      file: 'core/src/task/async-task.ts',
      from: '      requirePlain(value)\n',
      to: '',
    },
    files: ['packages/core/test/map-async.test.ts'],
    shows: /dead letter as soon as it arrives/,
  },
  {
    name: 'output prepared for an aborted checkpoint is not named by the next',
    plant: {
      file: 'core/src/task/sink-task.ts',
      from: 'prepared: [...this.#prepared],',
      to: 'prepared: this.#prepared.filter((work) => work.checkpoint === checkpoint),',
    },
    files: ['packages/core/test/commits.test.ts'],
    shows: /aborted too/,
  },
  {
    name: 'a sink that rejects a record continues as if it had been written',
    plant: {
      file: 'core/src/task/sink-task.ts',
      from: 'if (this.#policy.leavesOut) return this.#policy.handle(cause, this.#cursor, value, time)',
      to: 'if (this.#policy.leavesOut) return',
    },
    files: ['packages/core/test/rejected-records.test.ts'],
    shows: /dead letter/,
  },
  {
    name: 'a filter counts the records that it drops as passed on',
    plant: {
      file: 'core/src/operator/fuse.ts',
      from: "    if (step.kind === 'map' || step.kind === 'mapWithHeaders') this.#value = result\n",
      to: "    if (step.kind === 'filter') this.#opening.push(`passed[${index}]++`)\n    if (step.kind === 'map' || step.kind === 'mapWithHeaders') this.#value = result\n",
    },
    files: ['packages/core/test/metrics.test.ts'],
    shows: /some/,
  },
  {
    name: 'a source that is paused reads on',
    plant: {
      file: 'core/src/task/source-task.ts',
      from: "    if (this.#isPaused && this.#phase === 'reading') return false\n",
      to: '',
    },
    files: ['packages/core/test/metrics.test.ts'],
    shows: /paused/,
  },
  {
    name: 'credit before a slow operator is not limited by time',
    plant: {
      file: 'core/src/task/chain-task.ts',
      from: '      this.#limit.done(next - from, true)\n',
      to: '',
    },
    files: ['packages/core/test/slow-calls.test.ts'],
    shows: /a slow operator bounds the records/,
  },
  {
    name: 'a checkpoint contains only the records whose calls run',
    plant: {
      file: 'core/src/task/async-task.ts',
      from: 'inFlight: this.#calls.all()[Symbol.iterator]()',
      to: 'inFlight: [...this.#calls.all()].slice(0, this.#node.concurrency)[Symbol.iterator]()',
    },
    files: ['packages/core/test/slow-calls.test.ts'],
    shows: /called in order, with the same concurrency/,
  },
  {
    name: 'a barrier saves all records in flight in one turn',
    plant: {
      file: 'core/src/task/async-task.ts',
      from: 'next.value.cell ??= this.#kept.keep(next.value)\n      if (this.#around.budget.spend()) return true\n',
      to: 'next.value.cell ??= this.#kept.keep(next.value)\n      this.#around.budget.spend()\n',
    },
    files: ['packages/core/test/slices.test.ts'],
    shows: /a thousand records of mapAsync/,
  },
  {
    name: 'all records of a batch are handled in one turn',
    plant: {
      file: 'core/src/operator/chain.ts',
      from: 'if (budget.spend() || cursor.isFull) return i + 1',
      to: 'budget.spend()\n      if (cursor.isFull) return i + 1',
    },
    files: ['packages/core/test/slices.test.ts'],
    shows: /records: a batch of a thousand/,
  },
  {
    name: 'a window of many slices is merged in one turn',
    plant: {
      file: 'flow/src/window/slice-merge.ts',
      from: 'return this.#merge(start, end, stepSlices)',
      to: 'return this.#merge(start, end, Number.POSITIVE_INFINITY)',
    },
    files: ['packages/core/test/slices.test.ts'],
    shows: /a window of many slices/,
  },
  {
    name: 'a source that waits for others is not woken up',
    plant: {
      file: 'core/src/task/source-alignment.ts',
      from: 'if (this.#isPaused) this.#wake()',
      to: '',
    },
    files: ['packages/core/test/aligned-sources.test.ts'],
    shows: /./,
  },
  {
    name: 'a source runs ahead of the others by any distance',
    plant: {
      file: 'core/src/task/source-alignment.ts',
      from: 'this.#isPaused = watermark > this.#group.lowest + this.#maxDriftMs',
      to: 'this.#isPaused = watermark > this.#group.lowest + this.#maxDriftMs * 10',
    },
    files: ['packages/core/test/aligned-sources.test.ts'],
    shows: /EN-092/,
  },
  {
    name: 'the state of a watermark generator is not restored',
    plant: {
      file: 'core/src/time/watermark-generator.ts',
      from: 'saved?.name === of.name ? saved.state : undefined',
      to: 'undefined',
    },
    files: ['packages/core/test/watermark-generators.test.ts'],
    shows: /a restart changes no watermark/,
  },
]
