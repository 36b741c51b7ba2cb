import type { TestedBug } from './planted-bug.ts'

/** Bugs of tables, joins of tables and deduplication that specific tests must find. */
export const tableBugs: readonly TestedBug[] = [
  {
    name: 'an older record replaces a newer row of a table',
    plant: {
      file: 'flow/src/table/to-table-operator.ts',
      from: '(old !== undefined && time < old.time)',
      to: '(old !== undefined && time < old.time - 5)',
    },
    files: ['packages/flow/src/table/to-table.test.ts'],
    shows: /leave the newest record of each key/,
  },
  {
    name: 'an update of a row in a Top-N that moves down goes one rank too far',
    plant: {
      file: 'flow/src/table/top-n-operator.ts',
      from: 'from !== undefined && from < rank! ? rank! - 1 : rank!',
      to: 'rank!',
    },
    files: ['packages/flow/src/table/groups.test.ts'],
    shows: /EN-147 on a table/,
  },
  {
    name: 'a row that moves to another group stays in the old one',
    plant: {
      file: 'flow/src/table/grouped-change.ts',
      from: 'if (keyToken(old) === keyToken(group)) return',
      to: 'if (keyToken(old) <= keyToken(group)) return',
    },
    files: ['packages/flow/src/table/groups.test.ts'],
    shows: /EN-148 every prefix/,
  },
  {
    name: 'an aggregate that throws leaves half of a change behind',
    plant: {
      file: 'flow/src/table/group-aggregate-operator.ts',
      from: '    this.#groups.delete(token)\n    if (after',
      to: '    if (after',
    },
    files: ['packages/flow/src/table/groups.test.ts'],
    shows: /a row on which an aggregate throws changes nothing/,
  },
  {
    name: 'a running aggregate takes the row before from accumulators that have changed',
    plant: {
      file: 'flow/src/table/running-aggregate-operator.ts',
      from: 'if (!isSameRow(before, after)) out.emit({ key: key!, before, after })',
      to: 'if (!isSameRow(before, after)) out.emit({ key: key!, before: after, after })',
    },
    files: ['packages/flow/src/table/groups.test.ts'],
    shows: /aggregates of a keyed stream/,
  },
  {
    name: 'keepFirst keeps the first record to arrive',
    plant: {
      file: 'flow/src/operators/keep-first.ts',
      from: "new DueTimes(context, 'waiting', justAfter,",
      to: "new DueTimes(context, 'waiting', (time) => time - 5,",
    },
    files: ['packages/flow/src/operators/keep-first.test.ts'],
    shows: /keep the same records/,
  },
  {
    name: 'a join of tables keeps a result whose required row is gone',
    plant: {
      file: 'flow/src/table/table-join-operator.ts',
      from: 'if (box === undefined && isRequired) return undefined',
      to: 'if (box === undefined && isRequired && isEmpty) return undefined',
    },
    files: ['packages/flow/src/table/table-joins.test.ts'],
    shows: /any number of tables/,
  },
  {
    name: 'an answer that is faster than its question is dropped',
    plant: {
      file: 'flow/src/table/foreign-key-join.ts',
      from: 'if (known === undefined && !isReply) return state',
      to: 'if (known === undefined) return state',
    },
    files: ['packages/flow/src/table/table-joins.test.ts'],
    shows: /whichever edge is faster/,
  },
  {
    name: 'a row that refers to another one shows the answer to its old question',
    plant: {
      file: 'flow/src/table/foreign-key-join.ts',
      from: 'if (reference !== undefined && reference.open > 0) return old',
      to: 'if (reference !== undefined && reference.open > 1) return old',
    },
    files: ['packages/flow/src/table/table-joins.test.ts'],
    shows: /one update/,
  },
  {
    name: 'enrich does not wait for the table',
    plant: {
      file: 'flow/src/table/enrich-operator.ts',
      from: 'if (this.#parts.isTableTimed || watermark === Number.NEGATIVE_INFINITY) return false',
      to: 'if (this.#parts.isTableTimed) return false',
    },
    files: ['packages/flow/src/table/table-joins.test.ts'],
    shows: /loaded to its end/,
  },
]
