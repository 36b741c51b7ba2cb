import type { TestedBug } from './planted-bug.ts'

/** Bugs of jobs in several workers. */
export const threadBugs: readonly TestedBug[] = [
  {
    name: 'a barrier overtakes the records that cross to another worker',
    plant: {
      file: 'core/src/exchange/crossing.ts',
      from: "if (element.kind === 'batch') this.#arrived.send(element.batch)",
      to: "if (element.kind === 'batch') queueMicrotask(() => this.#arrived.send(element.batch))",
    },
    files: ['packages/core/test/crossing.test.ts'],
    shows: /in the order in which they were sent/,
  },
  {
    name: 'watermarks that cross to another worker are lost',
    plant: {
      file: 'core/src/exchange/crossing.ts',
      from: "if (element.kind === 'watermark') out.float64(element.time)",
      to: "if (element.kind === 'watermark') out.float64(Number.NEGATIVE_INFINITY)",
    },
    files: ['packages/core/test/crossing.test.ts'],
    shows: /in the order in which they were sent/,
  },
  {
    name: 'credit from another worker never returns',
    plant: {
      file: 'core/src/exchange/crossing.ts',
      from: "    this.#crossing.sendCredit(this.#id, 'released', records)\n",
      to: '',
    },
    files: ['packages/core/test/crossing.test.ts'],
    shows: /takes no more than its credit/,
  },
  {
    name: 'the manifest leaves out the state of the last worker',
    plant: {
      file: 'core/src/job/layout.ts',
      from: 'return snapshots.map((snapshot, worker) =>',
      to: 'return snapshots.slice(0, -1).map((snapshot, worker) =>',
    },
    files: ['packages/core/test/threads.test.ts'],
    shows: /restarts with another number of threads/,
  },
  {
    name: 'workers leave out one part of the state that they copy',
    plant: {
      file: 'core/src/job/worker-state.ts',
      from: 'for (const part of this.#opening.state.others) await',
      to: 'for (const part of this.#opening.state.others.slice(1)) await',
    },
    files: ['packages/core/test/threads.test.ts'],
    shows: /restarts with another number of threads/,
  },
]
