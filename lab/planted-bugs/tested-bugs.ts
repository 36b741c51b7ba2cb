import type { TestedBug } from './planted-bug.ts'

/** Mistakes that tests of their own must find. */
export const testedBugs: readonly TestedBug[] = [
  {
    name: 'a job fails one time more than its restart policy allows',
    plant: {
      file: 'core/src/runtime/restart-policy.ts',
      from: 'if (this.#failures > policy.attempts)',
      to: 'if (this.#failures > policy.attempts + 1)',
    },
    files: ['packages/core/test/lifecycle.test.ts'],
    shows: /./,
  },
  {
    name: 'a flatMap with dead letters has emitted half when it throws',
    plant: {
      file: 'core/src/operator/failure-policy.ts',
      from: "return this.#kind !== 'fail'",
      to: "return this.#kind === 'skip'",
    },
    files: ['packages/core/test/errors-and-time.test.ts'],
    shows: /deadLetter: a flatMap that fails half-way emits nothing/,
  },
  {
    name: 'a record that is left out has changed a state value in place',
    plant: {
      file: 'core/src/state/transactional-table.ts',
      from: 'cell.value = valueBefore()',
      to: 'void [cell, valueBefore]',
    },
    files: ['packages/core/src/operator/failed-record.property.test.ts'],
    shows: /leaves nothing behind/,
  },
  {
    name: 'a record that is left out has set a timer',
    plant: {
      file: 'core/src/operator/operator-context.ts',
      from: 'if (transaction?.isOpen === true) transaction.whenHandled(() => this.#set(domain, time, name))',
      to: "if (transaction?.isOpen === true && domain === 'processing') transaction.whenHandled(() => this.#set(domain, time, name))",
    },
    files: ['packages/core/src/operator/failed-record.property.test.ts'],
    shows: /leaves nothing behind/,
  },
  {
    name: 'a list that was emitted is pushed into',
    plant: {
      file: 'core/src/state/keyed-handles.ts',
      from: 'this.#handedOut.add(cell.value)',
      to: '',
    },
    files: ['packages/flow/src/operators/operators.test.ts'],
    shows: /a list that was emitted/,
  },
  {
    name: 'an operator catches the error of a later one and continues',
    plant: {
      file: 'core/src/operator/operator-link.ts',
      from: 'if (this.#failedBehind !== undefined) throw this.#failedBehind.thrown',
      to: '',
    },
    files: ['packages/core/src/operator/operator-link.test.ts'],
    shows: /does not keep the job going/,
  },
]
