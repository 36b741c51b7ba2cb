/**
 * Bugs in the engine and the connectors: each changes one place in one file.
 *
 * The text in `from` must occur exactly once in its file. When that file changes, update the bug, or remove
 * it if it is no longer possible.
 */
import type { DiskBug } from './planted-bug.ts'

export const diskBugs: readonly DiskBug[] = [
  {
    name: 'barriers are not aligned',
    plant: {
      file: 'core/src/exchange/barrier-aligner.ts',
      from: 'return this.#hasBarrier[input]!',
      to: 'return false',
    },
    trial: 'a crash',
    near: /rename/,
    shows: /wrong line|are lost|duplicated/,
  },
  {
    name: 'the watermark of several inputs is the maximum',
    plant: {
      file: 'core/src/exchange/gate.ts',
      from: 'merged[i] = this.#merger.advance(input, watermarks[i]!)',
      to: `{
        this.#merger.advance(input, watermarks[i]!)
        this.#merger.advanceIdle(watermarks[i]!)
        merged[i] = this.#merger.current
      }`,
    },
    trial: 'a crash',
    near: /rename/,
    shows: /wrong line/,
  },
  {
    name: 'a source ignores its other splits when it computes the watermark',
    plant: {
      file: 'core/src/time/split-watermarks.ts',
      from: '    return this.#merger.advance(reading.input, time - this.#maxOutOfOrdernessMs)\n',
      to: `    this.#merger.advance(reading.input, time - this.#maxOutOfOrdernessMs)
    this.#merger.advanceIdle(time - this.#maxOutOfOrdernessMs)
    return this.#merger.current
`,
    },
    trial: 'a crash',
    near: /rename/,
    shows: /wrong line/,
  },
  {
    name: 'the manifest is published before the state is durable',
    plant: {
      file: 'store-memory/src/open-memory-store.ts',
      from: '    const durable = this.#writer.flush()\n    this.#tables.tidy()\n    await durable\n',
      to: `    this.#tables.tidy()
    void (async () => {
      for (let hop = 0; hop < 100; hop++) await undefined
      await this.#writer.flush()
    })().catch(() => {})\n`,
    },
    trial: 'a crash',
    near: /rename/,
    shows: /cannot be restored/,
  },
  {
    name: 'positions are read after the next poll',
    plant: {
      file: 'core/src/task/source-task.ts',
      from: 'if (checkpoint !== undefined) this.#cut(checkpoint)',
      to: `if (checkpoint !== undefined) {
        this.#outlet.mark({ kind: 'barrier', checkpoint })
        await this.#read()
        this.#cut(checkpoint)
      }`,
    },
    trial: 'a crash',
    near: /rename/,
    shows: /are lost|wrong line/,
  },
  {
    name: 'calls in flight are not repeated',
    plant: {
      file: 'core/src/task/async-task.ts',
      from: 'for (const { cell, record } of this.#kept.restored()) {',
      to: 'for (const { cell, record } of [...this.#kept.restored()].slice(0, 0)) {',
    },
    trial: 'a crash',
    near: /rename/,
    shows: /are lost|wrong line/,
  },
  {
    name: 'timers are not restored',
    plant: {
      file: 'core/src/operator/chain.ts',
      from: 'if (link.timers !== undefined) yield* link.timers.rebuild()',
      to: '',
    },
    trial: 'a crash',
    near: /rename/,
    shows: /are lost|wrong line/,
  },
  {
    name: 'windows are not restored',
    plant: {
      file: 'flow/src/window/slice-window-operator.ts',
      from: 'yield* this.#resume(this.#assigner.slice(start as EventTime))',
      to: '',
    },
    trial: 'a crash',
    near: /rename/,
    shows: /are lost|wrong line/,
  },
  {
    name: 'the restored watermark is ignored',
    plant: {
      file: 'core/src/checkpoint/restored-job.ts',
      from: 'if (first > last) continue',
      to: 'if (first <= last) continue',
    },
    trial: 'a crash',
    near: /rename/,
    shows: /wrong line|are lost/,
  },
  {
    name: 'tasks are notified of a checkpoint before it is published',
    plant: {
      file: 'core/src/checkpoint/coordinator.ts',
      from: '    const encodedAt = clock.monotonic()\n',
      to: `    const encodedAt = clock.monotonic()
    const { checkpoint } = running
    this.#around.completed({ checkpoint, durationMs: 0, alignAndEncodeMs: 0, completedAt: clock.now(), bytes: 0, slowest: [] })
`,
    },
    trial: 'a crash',
    near: /rename/,
    shows: /line was removed|is truncated from|is removed/,
  },
  {
    name: 'the name of a manifest is not synced',
    plant: {
      file: 'core/src/disk/whole-file.ts',
      from: '  await fs.syncDirectory(directory)\n',
      to: '',
    },
    trial: 'a crash',
    near: /rename/,
    shows: /line was removed|is truncated from|no checkpoint of this job has written it|CHECKPOINT_CORRUPT/,
  },
  {
    name: 'a manifest is not synced',
    plant: { file: 'core/src/disk/whole-file.ts', from: '    await file.sync()\n', to: '' },
    trial: 'a crash',
    near: /rename/,
    shows: /cannot be restored/,
  },
  {
    name: 'a job resumes from a checkpoint that is not durable yet',
    plant: {
      file: 'core/src/job/restore.ts',
      from: 'if (restored !== undefined) await storage.renew(restored.checkpoint, owner)',
      to: '',
    },
    trial: 'a second crash',
    near: /live/,
    shows: /line was removed|is truncated from|is removed/,
  },
  {
    name: 'state is deleted before the manifests that name it',
    plant: {
      file: 'core/src/job/checkpoints.ts',
      from: '    await storage.retire(\n',
      to: `    await workers[0]!.release(layout.retainedOf(0, this.#retained))
    await storage.retire(
`,
    },
    trial: 'a crash',
    near: /remove .*json/,
    shows: /cannot be restored/,
  },
  {
    name: 'a job whose manifests are all damaged starts empty',
    plant: {
      file: 'core/src/checkpoint/checkpoint-storage.ts',
      from: 'if (numbers.length > 0 && manifests.length === 0) {',
      to: 'if (false) {',
    },
    trial: 'damage',
    near: /json, .*json/,
    shows: /no checkpoint of this job has written it/,
  },
  {
    name: 'the checksum of a manifest is not checked',
    plant: {
      file: 'core/src/checkpoint/manifest.ts',
      from: 'if (hex(crc32(body)) !== checksum)',
      to: 'if (false)',
    },
    trial: 'damage',
    near: /json damaged/,
    shows: /it failed unclearly|wrong line|it continued from/,
  },
  {
    name: 'the checksum of a block of state is not checked',
    plant: {
      file: 'segment-log/src/block.ts',
      from: 'if (checksum(bytes.subarray(start + 8, end)) !== view.getUint32(start + 4, true))',
      to: 'if (false)',
    },
    trial: 'damage',
    near: /seg damaged/,
    shows: /it continued from|wrong line|unclearly/,
  },
  {
    name: 'a deleted cell is not deleted on the disk',
    plant: {
      file: 'store-memory/src/memory-table.ts',
      from: 'else if (cell.segment !== undefined) this.#block.tombstone(cell)',
      to: '',
    },
    trial: 'a crash',
    near: /rename/,
    shows: /wrong line|duplicated/,
  },
  {
    name: 'the rest of a short write is not written',
    plant: { file: 'core/src/disk/whole-file.ts', from: 'written += count', to: 'written = bytes.length' },
    trial: 'short writes',
    near: /7 bytes/,
    shows: /staged-\S+: ends at byte 7, where a checkpoint has/,
  },
  {
    name: 'a failed sync is tried again',
    plant: { file: 'core/src/job/restart-policy.ts', from: "  'FS_SYNC_FAILED',\n", to: '' },
    trial: 'failing operations',
    near: /sync .*seg/,
    shows: /continued after a failed sync/,
  },
  {
    name: 'a directory whose name could not be synced is trusted at the next start',
    plant: {
      file: 'core/src/disk/durable-directory.ts',
      from: 'await removeLeftover(fs, level.directory)\n',
      to: '{}\n',
    },
    trial: 'failing operations',
    near: /syncDirectory (?:\.\/)?(?:\.|data) /,
    shows: /are lost|took the end of the job|cannot be restored/,
  },
  {
    name: 'the mark of a created directory is removed before the sync',
    plant: {
      file: 'core/src/disk/durable-directory.ts',
      from: '  if (!(await syncUnlessDenied(fs, parent))) {\n',
      to: '  await fs.remove(mark)\n  if (!(await syncUnlessDenied(fs, parent))) {\n',
    },
    trial: 'failing operations',
    near: /syncDirectory (?:\.\/)?(?:\.|data) /,
    shows: /are lost|took the end of the job/,
  },
  {
    name: 'output is trusted at the next start though its sync has failed',
    plant: {
      file: 'connector-files/src/file-sink.ts',
      from: 'new Recovery(pending, context, await doubt.exists())',
      to: 'new Recovery(pending, context, false)',
    },
    trial: 'failing operations',
    near: /sync out\/live\.ndjson/,
    shows: /wrong line|are lost/,
  },
  {
    name: 'a commit writes to the offset of the bytes in the staged file',
    plant: {
      file: 'connector-files/src/live-target.ts',
      from: 'await writeFullyAt(target, bytes, base + start, this.#path)',
      to: 'await writeFullyAt(target, bytes, start, this.#path)',
    },
    trial: 'a crash',
    near: /rename/,
    shows: /wrong line|are lost|line was removed|middle of a line|out of order/,
  },
  {
    name: 'torn bytes count as written',
    plant: {
      file: 'connector-files/src/recovery.ts',
      from: 'if (differs !== -1) return at + differs',
      to: '',
    },
    trial: 'a crash',
    near: /sync out\/live\.ndjson/,
    shows: /wrong line|middle of a line/,
  },
  {
    name: 'uncommitted files are not removed',
    plant: {
      file: 'connector-files/src/file-sink.ts',
      from: 'if (epoch <= owner.epoch) await removeIfThere(fs, this.#name.beside(name))',
      to: '',
    },
    trial: 'a crash',
    near: /rename/,
    shows: /left over/,
  },
  {
    name: 'a numbered file is renamed before its last checkpoint',
    plant: {
      file: 'connector-files/src/rolling-target.ts',
      from: '    this.#rolled.push(partOf(current))\n',
      to: `    await this.#fs.rename(current.file.path, current.target)
    this.#rolled.push({ ...partOf(current), staged: current.target })
`,
    },
    trial: 'a crash',
    near: /rename/,
    shows: /line was removed|is removed|is truncated from/,
  },
]
