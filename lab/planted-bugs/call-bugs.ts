import type { TestedBug } from './planted-bug.ts'

/** Bugs in calls of mapAsync and lookup that specific tests must find. */
export const callBugs: readonly TestedBug[] = [
  {
    name: 'each subtask may use the whole rate of calls',
    plant: {
      file: 'core/src/task/call-runner.ts',
      from: 'share: 1 / parts.around.parallelism',
      to: 'share: 1',
    },
    files: ['packages/core/test/call-limits.test.ts'],
    shows: /bounds the calls of 2 subtasks/,
  },
  {
    name: 'a group of calls goes beyond its limit',
    plant: {
      file: 'core/src/task/bulkhead.ts',
      from: 'group.waiting.size === 0 || group.running >= this.#parts.rules.concurrency',
      to: 'group.waiting.size === 0',
    },
    files: ['packages/core/src/task/bulkhead.test.ts'],
    shows: /limits hold/,
  },
  {
    name: 'a group that was forgotten gets a full bucket',
    plant: {
      file: 'core/src/task/bulkhead.ts',
      from: 'if (group.rate === undefined) this.#forget(group)',
      to: 'this.#groups.delete(group.token)',
    },
    files: ['packages/core/src/task/bulkhead.test.ts'],
    shows: /limits hold/,
  },
  {
    name: 'a record fails although its second call may still succeed',
    plant: {
      file: 'core/src/task/call-runner.ts',
      from: 'if (--running === 0)',
      to: 'if (--running >= 0)',
    },
    files: ['packages/core/test/call-limits.test.ts'],
    shows: /fails a record only when both/,
  },
  {
    name: 'a lookup uses a row that is older than the ttl of its cache',
    plant: {
      file: 'flow/src/calls/loader.ts',
      from: 'if (kept.until > this.#clock.monotonic())',
      to: 'if (kept.until > 0)',
    },
    files: ['packages/core/test/lookup.test.ts'],
    shows: /the cache keeps a row/,
  },
  {
    name: 'a lookup loads a key again that is being loaded',
    plant: {
      file: 'flow/src/calls/loader.ts',
      from: 'this.#loading.get(key) ?? this.#add(key, signal)',
      to: 'this.#add(key, signal)',
    },
    files: ['packages/core/test/lookup.test.ts'],
    shows: /waits for that call|loads each key of a batch once/,
  },
  {
    name: 'attempts of a call are counted anew after a restart',
    plant: {
      file: 'core/src/task/call-runner.ts',
      from: 'if (node.retry !== undefined) attempted(call)',
      to: '',
    },
    files: ['packages/core/test/retries.test.ts'],
    shows: /keeps its attempts over a restart of the process/,
  },
  {
    name: 'records fail while the breaker is open',
    plant: {
      file: 'core/src/task/call-policy.ts',
      from: 'if (wasDown) return 0',
      to: 'if (wasDown) return undefined',
    },
    files: ['packages/core/test/retries.test.ts'],
    shows: /pauses calls while the system is down/,
  },
]
