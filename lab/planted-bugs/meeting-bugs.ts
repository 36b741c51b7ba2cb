import type { TestedBug } from './planted-bug.ts'

const anyOrder = /any order of arrival, batches, restarts and parallelism/

/** Mistakes in operators of several inputs, in joins and in windows that merge. */
export const meetingBugs: readonly TestedBug[] = [
  {
    name: 'records of the second input are taken for those of the first',
    plant: {
      file: 'core/src/operator/operator-link.ts',
      from: '    this.#input = input\n    this.#keyBy',
      to: '    this.#input = 0\n    this.#keyBy',
    },
    files: ['packages/flow/src/connect.test.ts'],
    shows: anyOrder,
  },
  {
    name: 'a program that has swapped two inputs is restored',
    plant: {
      file: 'core/src/checkpoint/parts.ts',
      from: 'if (other === undefined) lists.conversions.push(change)',
      to: 'if (input !== undefined) lists.conversions.push(change)',
    },
    files: ['packages/core/test/several-inputs.test.ts'],
    shows: /swapped inputs are rejected/,
  },
  {
    name: 'an operator whose inputs come from two chains is put into one of them',
    plant: {
      file: 'core/src/plan/plan.ts',
      from: 'return tasks.size === 1 && !tasks.has(undefined)',
      to: 'return !tasks.has(undefined)',
    },
    files: ['packages/core/test/several-inputs.test.ts'],
    shows: /streams of two sources each have an edge/,
  },
  {
    name: 'a row of a join goes before its last partner can have come',
    plant: {
      file: 'flow/src/join/interval-join-operator.ts',
      from: '(time) => justAfter(lastOf(time)),',
      to: '(time) => lastOf(time),',
    },
    files: ['packages/flow/src/join/interval-join.test.ts'],
    shows: /EN-120/,
  },
  {
    name: 'a row that was met before comes out alone as well',
    plant: {
      file: 'flow/src/join/interval-join-operator.ts',
      from: 'rows.match(cell)\n      isMatched = true',
      to: 'isMatched = true',
    },
    files: ['packages/flow/src/join/interval-join.test.ts'],
    shows: anyOrder,
  },
  {
    name: 'rows of a join are not taken up again',
    plant: {
      file: 'flow/src/join/interval-join-operator.ts',
      from: 'if (time !== undefined) due.add(time)',
      to: '',
    },
    files: ['packages/flow/src/join/interval-join.test.ts'],
    shows: anyOrder,
  },
  {
    name: 'a key with rows on both sides comes out of its window twice',
    plant: {
      file: 'flow/src/join/window-join-operator.ts',
      from: 'if (side === 1 && this.#sides[0].find(slice, cell.inner) !== undefined) continue',
      to: '',
    },
    files: ['packages/flow/src/join/window-join.test.ts'],
    shows: anyOrder,
  },
  {
    name: 'a version is not valid at its own time',
    plant: {
      file: 'flow/src/join/as-of-join-operator.ts',
      from: 'times.indexFrom(justAfter(time)) - 1',
      to: 'times.indexFrom(time) - 1',
    },
    files: ['packages/flow/src/join/as-of-join.test.ts'],
    shows: anyOrder,
  },
  {
    name: 'a session fires before a record at its very end can have come',
    plant: {
      file: 'flow/src/window/layout.ts',
      from: 'return justAfter(end)',
      to: 'return end',
    },
    files: ['packages/flow/src/window/session.test.ts'],
    shows: /./,
  },
  {
    name: 'a session that merges with another loses what the other had',
    plant: {
      file: 'flow/src/window/triggered-window-operator.ts',
      from: 'this.#accumulators.merge(window.values, other.values)',
      to: 'window.values',
    },
    files: ['packages/flow/src/window/session.test.ts'],
    shows: /EN-032/,
  },
]
