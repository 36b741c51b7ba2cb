import type { SimulatorBug } from './planted-bug.ts'

/** Bugs in writing, publishing, committing and restoring after a crash. */
export const durabilityBugs: readonly SimulatorBug[] = [
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
    shows: /has twice|has beside|commit|misses/,
    seed: 2,
  },
  {
    name: 'a restarted job counts checkpoints from 1',
    plant: {
      file: 'core/src/checkpoint/coordinator.ts',
      from: 'this.#next = newest + 1',
      to: 'this.#next = 1',
    },
    shows: /seed \d+: ./,
    seed: 2,
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
    shows: /CHECKPOINT_CORRUPT|FS_|failed|misses/,
    seed: 1,
  },
  {
    name: 'a manifest is not synced',
    plant: { file: 'core/src/disk/whole-file.ts', from: '    await file.sync()\n', to: '' },
    shows: /CHECKPOINT_CORRUPT|failed|has twice|misses/,
    seed: 5,
  },
  {
    name: 'the name of a manifest is not synced',
    plant: {
      file: 'core/src/disk/whole-file.ts',
      from: '  await fs.syncDirectory(directory)\n',
      to: '',
    },
    shows: /has twice|misses|CHECKPOINT|commit/,
    seed: 5,
  },
  {
    name: 'a torn or damaged block of state is accepted',
    plant: {
      file: 'segment-log/src/block.ts',
      from: 'if (checksum(bytes.subarray(start + 8, end)) !== view.getUint32(start + 4, true))',
      to: 'if (false)',
    },
    shows: /misses|has beside|CODEC|failed|state at the end/,
    seed: 49,
  },
  {
    name: 'the checksum of a manifest is not checked',
    plant: {
      file: 'core/src/checkpoint/manifest.ts',
      from: 'if (hex(crc32(body)) !== checksum)',
      to: 'if (false)',
    },
    shows: /misses|has beside|has twice|failed/,
    seed: 11,
  },
  {
    name: 'a deleted cell is not deleted on the disk',
    plant: {
      file: 'store-memory/src/memory-table.ts',
      from: 'else if (cell.segment !== undefined) this.#block.tombstone(cell)',
      to: '',
    },
    shows: /an added token is new|has twice|state at the end/,
    seed: 0,
  },
  {
    name: 'a record changed while its block is being written is included in the older checkpoint',
    plant: {
      file: 'store-memory/src/memory-table.ts',
      from: 'if (cell !== undefined && cell.epoch !== this.#epoch && cell.epoch !== 0) this.#write(cell)',
      to: 'if (cell !== undefined && cell.epoch !== this.#epoch && cell.epoch !== 0) cell.epoch = this.#epoch - 1',
    },
    shows: /misses|has beside|failed|assert/,
    seed: 9,
  },
  {
    name: 'the rest of a short write is not written',
    plant: { file: 'core/src/disk/whole-file.ts', from: 'written += count', to: 'written = bytes.length' },
    shows: /failed|CHECKPOINT|DIRECTORY/,
    seed: 3,
  },
  {
    name: 'output prepared before a restart is not committed',
    plant: {
      file: 'core/src/task/sink-task.ts',
      from: 'subtask === 0 ? restored.map((entry) => entry.committable) : []',
      to: 'subtask < 0 ? restored.map((entry) => entry.committable) : []',
    },
    shows: /misses/,
    seed: 0,
  },
]
