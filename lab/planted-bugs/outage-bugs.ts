import type { TestedBug } from './planted-bug.ts'

/** Bugs in what happens while a system is down, which specific tests must find. */
export const outageBugs: readonly TestedBug[] = [
  {
    name: 'checkpoints that time out in an outage count as failures',
    plant: {
      file: 'core/src/checkpoint/coordinator.ts',
      from: 'if (down.length > 0) {',
      to: 'if (down.length > 99) {',
    },
    files: ['packages/core/test/outages.test.ts'],
    shows: /for an hour/,
  },
  {
    name: 'an open breaker of a sink lets calls begin',
    plant: {
      file: 'core/src/task/sink-calls.ts',
      from: 'while (!this.#breaker.mayBegin) {',
      to: 'while (false) {',
    },
    files: ['packages/core/test/outages.test.ts'],
    shows: /for 5 minutes|for an hour/,
  },
  {
    name: 'a batch that is written again rejects its records again',
    plant: {
      file: 'core/src/task/sink-task.ts',
      from: 'if (this.#rejected.has(index)) return',
      to: '',
    },
    files: ['packages/core/test/outages.test.ts'],
    shows: /one dead letter, however often/,
  },
  {
    name: 'a wrong address is tried again and again',
    plant: {
      file: 'core/src/task/sink-task.ts',
      from: 'return this.#around.isRestart ? this.#ask(what, call) : this.#named(what, call)',
      to: 'return this.#ask(what, call)',
    },
    files: ['packages/core/test/outages.test.ts'],
    shows: /a first start fails at once/,
  },
  {
    name: 'a record overtakes an earlier one of its key that is tried again',
    plant: {
      file: 'core/src/task/retries.ts',
      from: 'if (room.isWaiting(key)) {',
      to: 'if (room.isWaiting(key) && i < 0) {',
    },
    files: ['packages/core/test/retry-later.test.ts'],
    shows: /keeps its key in order/,
  },
  {
    name: 'event time does not wait for records that are tried again',
    plant: {
      file: 'core/src/task/retries.ts',
      from: 'return Math.min(this.#arrived, this.#parts.room.hold)',
      to: 'return this.#arrived',
    },
    files: ['packages/core/test/retry-later.test.ts'],
    shows: /holds back event time/,
  },
  {
    name: 'attempts at a record are counted anew after a restart',
    plant: {
      file: 'core/src/task/waiting-room.ts',
      from: 'this.#parts.kept.keepAttempts(entry)',
      to: '',
    },
    files: ['packages/core/test/retry-later.test.ts'],
    shows: /attempts outlive a restart/,
  },
  {
    name: 'a record that a sink rejects a second time is forgotten',
    plant: {
      file: 'core/src/task/sink-retries.ts',
      from: 'if (!this.#rejected.has(entry)) this.#room.leave(entry)',
      to: 'this.#room.leave(entry)',
    },
    files: ['packages/core/test/retry-later.test.ts'],
    shows: /written again by a sink/,
  },
]
