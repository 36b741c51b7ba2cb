import type { TestedBug } from './planted-bug.ts'

/** Bugs of keyed state that unit tests must find. */
export const stateBugs: readonly TestedBug[] = [
  {
    name: 'a value is visible at the moment it expires',
    plant: {
      file: 'core/src/state/expiring-table.ts',
      from: 'if (this.#hasExpired(cell, now)) {',
      to: 'if (this.#hasExpired(cell, now - 1)) {',
    },
    files: ['packages/flow/src/operators/ttl.test.ts'],
    shows: /EN-175/,
  },
  {
    name: 'a write by an older record shortens the life of state',
    plant: {
      file: 'core/src/state/expiring-table.ts',
      from: 'cell.stamp >= now) return false',
      to: 'cell.stamp === now) return false',
    },
    files: ['packages/flow/src/operators/ttl.test.ts'],
    shows: /a stamp never moves back/,
  },
  {
    name: 'a skipped record has prolonged the life of state',
    plant: {
      file: 'core/src/state/expiring-cell.ts',
      from: 'cell.stamp = stamp\n',
      to: '\n',
    },
    files: ['packages/flow/src/operators/ttl.test.ts'],
    shows: /a skipped record prolongs no life/,
  },
  {
    name: 'cells that a skipped record has deleted never expire',
    plant: {
      file: 'core/src/state/expiring-table.ts',
      from: 'for (const cell of this.#made) this.#buckets.remove',
      to: 'for (const cell of [...this.#made, ...this.#deleted]) this.#buckets.remove',
    },
    files: ['packages/flow/src/operators/ttl.property.test.ts'],
    shows: /any steps, order/,
  },
  {
    name: 'a write with a shorter time to live leaves its value in memory',
    plant: {
      file: 'core/src/state/expiring-table.ts',
      from: 'if (this.#lifeOf(cell) >= before) return',
      to: 'if (this.#lifeOf(cell) > 0) return',
    },
    files: ['packages/flow/src/operators/ttl.test.ts'],
    shows: /is removed when its own life is over/,
  },
  {
    name: 'event timers see the state of a watermark ahead of them',
    plant: {
      file: 'core/src/operator/operator-link.ts',
      from: 'Math.max(this.time, this.passed)',
      to: 'Math.max(this.time, this.watermark)',
    },
    files: ['packages/flow/src/operators/ttl.test.ts'],
    shows: /an event timer sees state as it was/,
  },
  {
    name: 'the end of the input expires state',
    plant: {
      file: 'core/src/operator/chain.ts',
      from: "'event', watermark === MAX_TIME ? link.passed : upTo)",
      to: "'event', watermark === MAX_TIME ? Number.MAX_VALUE : upTo)",
    },
    files: ['packages/flow/src/operators/ttl.test.ts'],
    shows: /the end of the input expires nothing/,
  },
  {
    name: 'restored broadcast state is missing in all subtasks but one',
    plant: {
      file: 'core/src/job/local-worker.ts',
      from: 'for (const _ of this.#replicas.fill(replicas))',
      to: 'for (const _ of [])',
    },
    files: ['packages/core/test/broadcast.test.ts'],
    shows: /EN-236/,
  },
  {
    name: 'broadcast records come to one subtask',
    plant: {
      file: 'core/src/exchange/port.ts',
      from: 'else for (const builder of this.#builders) builder.add(value, time)',
      to: 'else this.#builders[0]!.add(value, time)',
    },
    files: ['packages/core/test/broadcast.test.ts'],
    shows: /EN-236/,
  },
  {
    name: 'subtasks get broadcast records in different orders',
    plant: {
      file: 'flow/src/connect-broadcast.ts',
      from: 'rules.keyBy(() => null).input()',
      to: 'rules.input()',
    },
    files: ['packages/core/test/broadcast.test.ts'],
    shows: /EN-236/,
  },
  {
    name: 'every subtask reports a failed broadcast record',
    plant: {
      file: 'core/src/operator/operator-link.ts',
      from: 'if (isCopy) this.policy.handleCopy(thrown, this.#cursor)',
      to: 'if (isCopy && false) this.policy.handleCopy(thrown, this.#cursor)',
    },
    files: ['packages/flow/src/connect-broadcast.test.ts'],
    shows: /a rule that fails is skipped/,
  },
  {
    name: 'the timer of a full batch ends the next one',
    plant: {
      file: 'flow/src/pacing/batch.ts',
      from: 'if (open.due !== undefined) deleteDue(',
      to: 'if (open.due === 0) deleteDue(',
    },
    files: ['packages/flow/src/pacing/pacing.test.ts'],
    shows: /a batch ends a time after its first record/,
  },
  {
    name: 'the last batch of a key is lost at the end',
    plant: {
      file: 'flow/src/pacing/batch.ts',
      from: '  onEnd(key: Key, out: Collector<unknown>): void {\n    this.#flush(key, out)',
      to: '  onEnd(_key: Key, _out: Collector<unknown>): void {\n    this.#values.clear()',
    },
    files: ['packages/flow/src/pacing/pacing.test.ts'],
    shows: /a batch ends when it is full/,
  },
  {
    name: 'a record passes those that wait in a throttle',
    plant: {
      file: 'flow/src/pacing/throttle.ts',
      from: 'period.passed < records && this.#waiting.isEmpty',
      to: 'period.passed <= records',
    },
    files: ['packages/flow/src/pacing/pacing.test.ts'],
    shows: /more records than a period allows/,
  },
  {
    name: 'debounce by event time forgets a record because a later one came first',
    plant: {
      file: 'flow/src/pacing/sample.ts',
      from: "if (this.#clock === 'processing') this.#supersede()",
      to: 'this.#supersede()',
    },
    files: ['packages/flow/src/pacing/pacing.test.ts'],
    shows: /debounce emits the last record/,
  },
  {
    name: 'a skipped record has changed the order of an ordered map',
    plant: {
      file: 'core/src/state/keyed-ordered-map.ts',
      from: 'for (const outer of this.#touched) this.#orders.delete(outer)',
      to: '',
    },
    files: ['packages/flow/src/operators/state-kinds.test.ts'],
    shows: /any changes, failures, expiry and restarts/,
  },
  {
    name: 'a range ends behind its end',
    plant: {
      file: 'core/src/state/keyed-ordered-map.ts',
      from: 'compareKeys(next, to) < 0',
      to: 'compareKeys(next, to) <= 0',
    },
    files: ['packages/flow/src/operators/state-kinds.test.ts'],
    shows: /has ranges in the order of its keys/,
  },
  {
    name: 'a version that is still valid is dropped',
    plant: {
      file: 'flow/src/operators/versioned-state.ts',
      from: 'this.#versions.deleteRange({ to: from })',
      to: 'this.#versions.deleteRange({ to: oldest + 1 })',
    },
    files: ['packages/flow/src/operators/state-kinds.test.ts'],
    shows: /versioned state answers as of a time/,
  },
  {
    name: 'a list of timers holds one that has fired',
    plant: {
      file: 'core/src/time/timer-heap.ts',
      from: 'this.#forget(timer)',
      to: '',
    },
    files: ['packages/flow/src/operators/state-kinds.test.ts'],
    shows: /timers.list/,
  },
]
