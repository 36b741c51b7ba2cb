import type { TestedBug } from './planted-bug.ts'

/** One bug of each kind that has lost or invented records, besides those planted elsewhere. */
export const kindBugs: readonly TestedBug[] = [
  {
    name: 'a changed setting of an operator is not detected',
    plant: {
      file: 'core/src/checkpoint/parts.ts',
      from: 'if (old?.value === own?.value) continue',
      to: 'if (old?.name === own?.name) continue',
    },
    files: [
      'packages/core/test/changed-program.property.test.ts',
      'packages/core/test/changed-windows.test.ts',
    ],
    shows: /refused|lateness|program/,
  },
  {
    name: 'a split that was read stays first among those of its time',
    plant: {
      file: 'core/src/task/reading-order.ts',
      from: '    this.#current!.turn = ++this.#turns\n',
      to: '',
    },
    files: ['packages/core/src/task/split-set.test.ts'],
    shows: /take turns/,
  },
  {
    name: 'a finished input makes the records of an idle one late',
    plant: {
      file: 'core/src/time/watermark-merger.ts',
      from: 'if (this.isEmpty) this.#current = MAX_TIME',
      to: 'if (this.#active <= 1) this.#current = MAX_TIME',
    },
    files: ['packages/core/src/time/watermark-merger.test.ts'],
    shows: /makes no record of an idle one late/,
  },
  {
    name: 'a process that has lost the directory deletes the state of the new owner',
    plant: {
      file: 'store-memory/src/found-segments.ts',
      from: 'if (segment === undefined || segment.epoch > epoch) continue',
      to: 'if (segment === undefined) continue',
    },
    files: ['packages/testkit/src/conformance/store-conformance.test.ts'],
    shows: /takes nothing away from its successor/,
  },
  {
    name: 'a time in microseconds is read as milliseconds',
    plant: {
      file: 'core/src/task/stamp.ts',
      from: 'if (time > this.#latest) throw tooLate(time)',
      to: '',
    },
    files: ['packages/flow/test/event-times.test.ts'],
    shows: /fail and name the unit/,
  },
  {
    name: 'processing timers that are pending when the input ends are lost',
    plant: {
      file: 'core/src/operator/operator-link.ts',
      from: "this.fire('processing', MAX_TIME, now)",
      to: "timers.take('processing', MAX_TIME)",
    },
    files: ['packages/core/test/end-of-input.test.ts'],
    shows: /fire at once, in the order of their times/,
  },
  {
    name: 'a failed start keeps the claim on its output',
    plant: {
      file: 'connector-files/src/output-claim.ts',
      from: 'if (this.#isNew) await this.#end()\n      throw error',
      to: 'throw error',
    },
    files: ['packages/connector-files/src/file-sink.test.ts'],
    shows: /a claim made for a failed start is released/,
  },
  {
    name: 'a sink claims its output before its checks',
    plant: {
      file: 'connector-files/src/file-sink.ts',
      from: '      await this.check(pending, context)\n      this.#claim = await OutputClaim.take(this.#name, context)\n',
      to: '      this.#claim = await OutputClaim.take(this.#name, context)\n      await this.check(pending, context)\n',
    },
    files: ['packages/connector-files/src/file-sink.test.ts'],
    shows: /claims nothing/,
  },
]
