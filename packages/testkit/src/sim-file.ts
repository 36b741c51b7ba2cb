/**
 * One file on a simulated disk: the content that programs see, and the durable content.
 *
 * Invariants between any two calls:
 *
 * 1. `#durable` changes only by `sync`: its bytes survive everything but corruption. 2. A sector in which the two
 * layers differ is in `#dirty`, unless a failed sync has removed it. 3. A sector that is not in `#dirty` is never
 * written to disk again, however often `sync` succeeds.
 *
 * The third is what Linux does after a failed fsync: the pages count as clean (Rebello and others, "Can
 * applications recover from fsync failures?", 2020). Sectors are atomic, files are not.
 */
import type { Random } from '@millrace/world'

/** The unit of atomic writes, in bytes. */
const SECTOR_BYTES = 512

/** Bytes that grow and shrink; everything past `size` in the buffer is zero. */
class Extent {
  #buffer = new Uint8Array(0)
  size = 0

  bytes(from = 0, to: number = this.size): Uint8Array {
    return this.#buffer.subarray(from, Math.min(to, this.size))
  }

  resize(size: number): void {
    if (size > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(size, this.#buffer.length * 2, SECTOR_BYTES))
      grown.set(this.bytes())
      this.#buffer = grown
    }
    if (size < this.size) this.#buffer.fill(0, size, this.size)
    this.size = size
  }

  /** Writes within the current size; bytes beyond it are dropped. */
  put(at: number, bytes: Uint8Array): void {
    this.#buffer.set(bytes.subarray(0, Math.max(this.size - at, 0)), Math.min(at, this.size))
  }

  clone(): Extent {
    const copy = new Extent()
    copy.resize(this.size)
    copy.put(0, this.bytes())
    return copy
  }
}

/** The unsynced changes that a file keeps at a power loss. */
export type Survival = 'synced' | Random

/** The data of one file. Names are separate: a file may have one, or none while it is open. */
export class SimFile {
  /** Identifies the file, independently of its name. */
  readonly identity: string
  /** Last change of the content, in milliseconds since the epoch. */
  modifiedMs: number
  #current = new Extent()
  #durable = new Extent()
  readonly #dirty = new Set<number>()
  /** Sizes of the file since the last sync: a sector may have been written at each of them. */
  #pastSizes: number[] = []

  constructor(identity: string, modifiedMs: number) {
    this.identity = identity
    this.modifiedMs = modifiedMs
  }

  get size(): number {
    return this.#current.size
  }

  /** Returns a view of the content that programs see, valid until the next change. */
  bytes(): Uint8Array {
    return this.#current.bytes()
  }

  /** Writes at a position, also beyond the end. */
  put(position: number, bytes: Uint8Array): void {
    const end = position + bytes.length
    const from = Math.min(position, this.size)
    if (end > this.size) this.#current.resize(end)
    this.#current.put(position, bytes)
    this.#touch(from, end)
  }

  truncate(size: number): void {
    const from = Math.min(size, this.size)
    const to = Math.max(size, this.size)
    this.#current.resize(size)
    this.#touch(from, to)
  }

  sync(): void {
    const { size } = this.#current
    this.#durable.resize(size)
    for (const sector of this.#dirty)
      this.#durable.put(sector * SECTOR_BYTES, sectorOf(this.#current, sector))
    this.#settled()
  }

  /** Handles a failed sync: its data counts as written, but is not durable. */
  failSync(): void {
    this.#settled()
  }

  /** Handles a sync that a crash interrupted: some of its data reached the disk. */
  tearSync(random: Random): void {
    this.#durable = this.#remains(random)
  }

  /** Changes a byte in both layers, without an operation. */
  flip(offset: number, mask: number): void {
    for (const layer of [this.#current, this.#durable]) {
      const byte = layer.bytes(offset, offset + 1)[0]
      if (byte !== undefined) layer.put(offset, Uint8Array.of(byte ^ mask))
    }
  }

  /** Returns the file after a power loss: everything in it is durable. */
  afterPowerLoss(survival: Survival): SimFile {
    const file = new SimFile(this.identity, this.modifiedMs)
    file.#durable = survival === 'synced' ? this.#durable.clone() : this.#remains(survival)
    file.#current = file.#durable.clone()
    return file
  }

  /** Returns the file after a kill: nothing is lost, and nothing more is durable. */
  afterKill(): SimFile {
    const file = new SimFile(this.identity, this.modifiedMs)
    file.#current = this.#current.clone()
    file.#durable = this.#durable.clone()
    for (const sector of this.#dirty) file.#dirty.add(sector)
    file.#pastSizes = [...this.#pastSizes]
    return file
  }

  /** Whether both have the same content, and nothing of it can be lost. */
  isSame(other: SimFile): boolean {
    return (
      this.identity === other.identity &&
      this.modifiedMs === other.modifiedMs &&
      this.#dirty.size + other.#dirty.size === 0 &&
      isSameExtent(this.#current, other.#current) &&
      isSameExtent(this.#durable, other.#durable)
    )
  }

  #touch(from: number, to: number): void {
    if (from === to) return
    const last = Math.floor((to - 1) / SECTOR_BYTES)
    for (let sector = Math.floor(from / SECTOR_BYTES); sector <= last; sector++) this.#dirty.add(sector)
    this.#pastSizes.push(this.size)
  }

  #settled(): void {
    this.#dirty.clear()
    this.#pastSizes = []
  }

  // Half of the time a file keeps all or nothing: with each sector by chance a long file would nearly
  // always be broken, and the rarer cases of a whole file beside a lost one would go untested.
  #remains(random: Random): Extent {
    const remains = this.#durable.clone()
    const mood = random.int(4)
    if (mood === 0) return remains
    remains.resize(mood === 1 ? this.size : this.#someSize(random))
    const everySector = mood === 1
    const sectors = [...this.#dirty].sort((a, b) => a - b)
    for (const sector of sectors) {
      const bytes = everySector ? sectorOf(this.#current, sector) : this.#someSector(sector, random)
      remains.put(sector * SECTOR_BYTES, bytes)
    }
    return remains
  }

  #someSize(random: Random): number {
    const known = [this.#durable.size, this.size, ...this.#pastSizes]
    if (random.int(2) === 0) return known[random.int(known.length)]!
    const low = Math.min(...known)
    return low + random.int(Math.max(...known) - low + 1)
  }

  #someSector(sector: number, random: Random): Uint8Array {
    const fresh = sectorOf(this.#current, sector)
    const old = sectorOf(this.#durable, sector)
    switch (random.int(4)) {
      case 0:
        return fresh
      case 1: {
        // As it was after one of the writes since the last sync.
        const size = this.#pastSizes[random.int(this.#pastSizes.length)]!
        old.set(fresh.subarray(0, Math.min(Math.max(size - sector * SECTOR_BYTES, 0), SECTOR_BYTES)))
        return old
      }
      case 2: {
        // Space that was given to the file and never written shows its former content.
        const written = Math.min(Math.max(this.#durable.size - sector * SECTOR_BYTES, 0), SECTOR_BYTES)
        for (let i = written; i < SECTOR_BYTES; i++) old[i] = random.int(256)
        return old
      }
      default:
        return old
    }
  }
}

function isSameExtent(one: Extent, other: Extent): boolean {
  if (one.size !== other.size) return false
  const [a, b] = [one.bytes(), other.bytes()]
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Returns a copy of one sector, with zeros beyond the end of the file. */
function sectorOf(extent: Extent, sector: number): Uint8Array {
  const copy = new Uint8Array(SECTOR_BYTES)
  const start = sector * SECTOR_BYTES
  if (start < extent.size) copy.set(extent.bytes(start, start + SECTOR_BYTES))
  return copy
}
