import { dashboardBugs } from './dashboard-bugs.ts'
import { httpBugs } from './http-bugs.ts'
import type { TestedBug } from './planted-bug.ts'
import { threadBugs } from './thread-bugs.ts'
import { jsonBugs } from './json-bugs.ts'
import { kafkaBugs } from './kafka-bugs.ts'
import { rabbitmqBugs } from './rabbitmq-bugs.ts'
import { tableBugs } from './tested-table-bugs.ts'

/** Bugs that specific tests must find. */
export const testedBugs: readonly TestedBug[] = [
  ...dashboardBugs,
  ...jsonBugs,
  {
    name: 'a job restarts once more than its policy allows',
    plant: {
      file: 'core/src/job/restart-policy.ts',
      from: 'if (this.#failures > policy.attempts)',
      to: 'if (this.#failures > policy.attempts + 1)',
    },
    files: ['packages/core/test/lifecycle.test.ts'],
    shows: /./,
  },
  {
    name: 'a flatMap with dead letters emits part of its output when it throws',
    plant: {
      file: 'core/src/operator/failure-policy.ts',
      from: "return this.#kind !== 'fail'",
      to: "return this.#kind === 'skip'",
    },
    files: ['packages/core/test/errors-and-time.test.ts'],
    shows: /deadLetter: a flatMap that fails half-way emits nothing/,
  },
  {
    name: 'a skipped record has changed a state value in place',
    plant: {
      file: 'core/src/state/backup.ts',
      from: 'if (copy !== undefined) return () => copy',
      to: 'if (copy !== undefined) return () => value',
    },
    files: ['packages/core/src/operator/failed-record.property.test.ts'],
    shows: /leaves nothing behind/,
  },
  {
    name: 'a skipped record has set a timer',
    plant: {
      file: 'core/src/operator/operator-context.ts',
      from: 'if (transaction?.isOpen === true) {\n      this.#deferred.push({ isSet: true',
      to: "if (transaction?.isOpen === true && domain === 'processing') {\n      this.#deferred.push({ isSet: true",
    },
    files: ['packages/core/src/operator/failed-record.property.test.ts'],
    shows: /leaves nothing behind/,
  },
  {
    name: 'an emitted list is pushed to',
    plant: {
      file: 'core/src/state/keyed-handles.ts',
      from: 'this.#handedOut.add(cell.value)',
      to: '',
    },
    files: ['packages/flow/src/operators/operators.test.ts'],
    shows: /an emitted list/,
  },
  {
    name: 'an operator catches the error of a later one and continues',
    plant: {
      file: 'core/src/operator/operator-link.ts',
      from: 'if (this.#failedBehind !== undefined) throw this.#failedBehind.thrown',
      to: '',
    },
    files: ['packages/core/src/operator/operator-link.test.ts'],
    shows: /does not keep the job running/,
  },
  {
    name: 'prepared output is committed without verifying its checksum',
    plant: {
      file: 'connector-files/src/recovery.ts',
      from: 'if ((await checksumOf(this.#fs, stretch)) !== checksum) throw damaged(stretch)',
      to: '',
    },
    files: ['packages/connector-files/src/recovery.test.ts'],
    shows: /one flipped bit at any offset is detected/,
  },
  {
    name: 'the inbox answers without confirming its ownership',
    plant: {
      file: 'segment-log/src/append-log.ts',
      from: 'await this.#make(this.#files.owner.confirm())',
      to: '',
    },
    files: ['packages/connector-http/src/inbox-damage.test.ts'],
    shows: /a process that has lost the data directory answers nothing/,
  },
  {
    name: 'the inbox writes no mark after an answered block',
    plant: {
      file: 'segment-log/src/append-log.ts',
      from: 'await this.#mark()',
      to: '',
    },
    files: ['packages/connector-http/src/inbox-damage.test.ts'],
    shows: /every flipped bit/,
  },
  {
    name: 'content of a log removed between two checks is not missed',
    plant: {
      file: 'connector-files/src/missed-content.ts',
      from: 'const isYounger = file.modifiedMs >= since',
      to: 'const isYounger = file.modifiedMs >= since + 1e9',
    },
    files: ['packages/connector-files/src/rotation.test.ts'],
    shows: /copied and truncated twice/,
  },
  {
    name: 'writes to a renamed file count as writes to the log',
    plant: {
      file: 'connector-files/src/raw-file.ts',
      from: 'const modifiedMs = this.#isLog ? this.#modifiedMs : this.#seen.modifiedMs',
      to: 'const modifiedMs = this.#modifiedMs',
    },
    files: ['packages/connector-files/src/rotation.test.ts'],
    shows: /its first file is still written/,
  },
  {
    name: 'a file that another process has open is made visible instead of a copy',
    plant: {
      file: 'connector-files/src/recovery.ts',
      from: 'if (!isOpen && hidden.size === length) return',
      to: 'if (hidden.size === length) return',
    },
    files: ['packages/connector-files/src/recovery.test.ts'],
    shows: /cannot write to a file that the new owner has made visible/,
  },
  {
    name: 'a process that has lost the directory removes the staged files of the new owner',
    plant: {
      file: 'connector-files/src/file-sink.ts',
      from: 'const epoch = this.#name.stagedIn(name) ?? Infinity',
      to: 'const epoch = this.#name.stagedIn(name) === undefined ? Infinity : 0',
    },
    files: ['packages/connector-files/src/sink-conformance.test.ts'],
    shows: /a process that was replaced/,
  },
  {
    name: 'a commit appends to the file in any state',
    plant: {
      file: 'connector-files/src/live-target.ts',
      from: 'await writeFullyAt(target, bytes, base + start, this.#path)',
      to: 'await writeFullyAt(target, bytes, await target.size(), this.#path)',
    },
    files: ['packages/connector-files/src/sink-conformance.test.ts'],
    shows: /a process that was replaced/,
  },
  {
    name: 'the directory is owned by the process that checked last',
    plant: {
      file: 'core/src/checkpoint/directory-lock.ts',
      from: 'isLate = begun === undefined || (await files.highest()) !== epoch',
      to: 'isLate = begun === undefined',
    },
    files: ['packages/core/src/checkpoint/directory-lock.test.ts'],
    shows: /paused while it acquired the directory|at the same time/,
  },
  {
    name: 'the epoch of a former owner is reused',
    plant: {
      file: 'core/src/checkpoint/directory-lock.ts',
      from: 'await this.#begun.end()',
      to: 'await this.#begun.end()\n      await this.#files.remove(this.epoch)',
    },
    files: ['packages/core/src/checkpoint/directory-lock.test.ts'],
    shows: /owned in increasing epochs/,
  },
  {
    name: 'an owner on another host is replaced at once',
    plant: {
      file: 'core/src/checkpoint/directory-lock.ts',
      from: "if (fate === 'gone') return",
      to: "if (fate !== 'running') return",
    },
    files: ['packages/core/src/checkpoint/directory-lock.test.ts'],
    shows: /keeps the directory when it renews its lease/,
  },
  {
    name: 'the removal of the newest manifest is not detected',
    plant: {
      file: 'core/src/checkpoint/checkpoint-storage.ts',
      from: 'if (witness === undefined || witness.published <= newest) return',
      to: 'return',
    },
    files: ['packages/core/src/checkpoint/checkpoint-storage.test.ts'],
    shows: /a removed manifest is detected/,
  },
  {
    name: 'a source is acknowledged for positions of the newest checkpoint only',
    plant: {
      file: 'core/src/job/checkpoints.ts',
      from: 'this.#retained.at(-1)',
      to: 'this.#retained[0]',
    },
    files: ['packages/core/test/kept-promises.test.ts'],
    shows: /a source may only delete input/,
  },
  {
    name: 'the watermark in onTimer is the previous one',
    plant: {
      file: 'core/src/operator/operator-link.ts',
      from: '    this.#ahead = watermark\n  }',
      to: '    if (watermark === MAX_TIME) this.#ahead = watermark\n  }',
    },
    files: ['packages/core/src/operator/chain.test.ts'],
    shows: /a timer sees the watermark that makes it due/,
  },
  {
    name: 'a restarted job counts checkpoints from 1',
    plant: {
      file: 'core/src/checkpoint/coordinator.ts',
      from: 'this.#next = newest + 1',
      to: 'this.#next = 1',
    },
    files: ['packages/core/src/checkpoint/coordinator.test.ts'],
    shows: /continue from the highest one/,
  },
  {
    name: 'a completed checkpoint does not reset the count of failures',
    plant: {
      file: 'core/src/checkpoint/coordinator.ts',
      from: '      this.#failures = 0\n',
      to: '',
    },
    files: ['packages/core/src/checkpoint/coordinator.test.ts'],
    shows: /only consecutive failures count/,
  },
  {
    name: 'output prepared for an aborted checkpoint is forgotten',
    plant: {
      file: 'core/src/task/sink-task.ts',
      from: 'prepared: [...this.#prepared],',
      to: 'prepared: this.#prepared.slice(-1),',
    },
    files: ['packages/core/test/kept-promises.test.ts'],
    shows: /output prepared for an aborted checkpoint/,
  },
  {
    name: 'every subtask of a sink receives the pending commits',
    plant: {
      file: 'core/src/task/sink-task.ts',
      from: 'this.#pending = subtask === 0 ?',
      to: 'this.#pending = subtask >= 0 ?',
    },
    files: ['packages/core/test/kept-promises.test.ts'],
    shows: /is passed to subtask 0 and to no other/,
  },
  {
    name: 'an operator finishes again after a restart',
    plant: {
      file: 'core/src/operator/operator-link.ts',
      from: '    if (this.#hasEnded) return\n',
      to: '',
    },
    files: ['packages/core/test/runs.test.ts'],
    shows: /finishes once, however often/,
  },
  {
    name: 'after a rescale a window fires again for keys that were ahead',
    plant: {
      file: 'core/src/operator/operator-link.ts',
      from: 'if (due.isSweep && due.time <= this.#floor.of(due.group)) return true',
      to: '',
    },
    files: ['packages/core/src/operator/chain.test.ts'],
    shows: /does not fire again when a record of another key/,
  },
  {
    name: 'a split that has ended in one run is never read again',
    plant: {
      file: 'core/src/task/split-set.ts',
      from: 'const position = isFinal ? undefined : feed.position()',
      to: 'const position = undefined',
    },
    files: ['packages/core/test/runs.test.ts'],
    shows: /reads what was added since the last one/,
  },
  {
    name: 'a split that is missing when a run begins is never read again',
    plant: {
      file: 'core/src/task/split-discovery.ts',
      from: 'await this.#namedOf(splits) : returned)',
      to: 'await this.#namedOf(splits) : [])',
    },
    files: ['packages/core/test/runs.test.ts'],
    shows: /resumes from its position once it is there again/,
  },
  {
    name: 'a watermark is restored by name only, for any kind of node',
    plant: {
      file: 'core/src/checkpoint/restored-job.ts',
      from: ' || entry.type !== this.#types.get(operator)',
      to: '',
    },
    files: ['packages/core/test/restored-watermarks.test.ts'],
    shows: /another type of operator restores no watermark/,
  },
  {
    name: 'a map that returns a promise emits it',
    plant: {
      file: 'core/src/operator/fuse.ts',
      from: "if (step.kind !== 'flatMap') return promiseCheck(result)",
      to: "if (step.kind !== 'flatMap') return ''",
    },
    files: ['packages/core/test/errors-and-time.test.ts'],
    shows: /a map that returns a promise stops the job/,
  },
  {
    name: 'an async onRecord continues unnoticed by the engine',
    plant: {
      file: 'core/src/operator/operator-link.ts',
      from: 'if (returned !== undefined && isThenable(returned)) refusePromise(returned)',
      to: '',
    },
    files: ['packages/flow/src/synchronous.test.ts'],
    shows: /onRecord: stops the job/,
  },
  {
    name: 'a number that is too large becomes infinite',
    plant: {
      file: 'core/src/codec/lost-number.ts',
      from: 'hasLongNumber(text) || !isFiniteThroughout(value)',
      to: 'hasLongNumber(text)',
    },
    files: ['packages/core/src/codec/decode.test.ts'],
    shows: /would become infinite and is rejected/,
  },
  {
    name: 'NaN is written as null',
    plant: {
      file: 'core/src/codec/json.ts',
      from: "if (typeof value === 'number') return !Number.isFinite(value)",
      to: "if (typeof value === 'number') return false",
    },
    files: ['packages/core/src/codec/json.test.ts'],
    shows: /NaN is rejected/,
  },
  {
    name: 'a record changed after scan is not detected',
    plant: {
      file: 'core/src/record/immutable-values.ts',
      from: 'if (isData) Object.freeze(value)',
      to: '',
    },
    files: ['packages/core/test/immutability.test.ts'],
    shows: /a map behind scan: fails the job/,
  },
  ...tableBugs,
  ...httpBugs,
  ...kafkaBugs,
  ...threadBugs,
  ...rabbitmqBugs,
]
