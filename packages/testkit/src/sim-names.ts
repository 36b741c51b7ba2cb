/**
 * The names on a simulated disk: the directory tree that programs see, and the changes that a power loss may still
 * undo.
 *
 * Invariant: the tree that programs see is the durable tree with every pending change applied in order.
 *
 * A change is atomic, also a rename from one directory to another. Changes to the same name happen in
 * order; changes to different names may survive in any combination, as on file systems that keep no
 * order between directory entries (Pillai and others, "All file systems are not created equal", 2014).
 */
import type { Survival } from './sim-file.ts'
import { SimFile } from './sim-file.ts'

/** A directory in both trees. */
export class SimDirectory {
  readonly identity: string
  /** As programs see it. */
  readonly entries: Map<string, SimEntry> = new Map()
  /** The durable tree. */
  readonly durable: Map<string, SimEntry> = new Map()

  constructor(identity: string) {
    this.identity = identity
  }
}

/** What a name refers to. */
export type SimEntry = SimFile | SimDirectory

/** A change of a name in a directory: set or removed. */
interface Edit {
  readonly directory: SimDirectory
  readonly name: string
  readonly entry: SimEntry | undefined
}

interface NameChange {
  readonly edits: readonly Edit[]
  /** The directory whose sync makes the change durable; undefined after such a sync has failed. */
  syncedBy: SimDirectory | undefined
}

export class SimNames {
  #root: SimDirectory
  #pending: NameChange[] = []
  #identities: number

  constructor(root: SimDirectory = new SimDirectory('sim:0'), identities = 1) {
    this.#root = root
    this.#identities = identities
  }

  /** Returns an identity that no file or directory had before. */
  newIdentity(): string {
    return `sim:${this.#identities++}`
  }

  find(path: string): SimEntry | undefined {
    let found: SimEntry | undefined = this.#root
    for (const name of namesIn(path)) {
      found = found instanceof SimDirectory ? found.entries.get(name) : undefined
      if (found === undefined) return undefined
    }
    return found
  }

  /** Returns the directory with the last name of `path`, and that name; undefined if there is none. */
  place(path: string): { readonly directory: SimDirectory; readonly name: string } | undefined {
    const names = namesIn(path)
    const name = names.pop()
    const directory = this.find(names.join('/'))
    return name !== undefined && directory instanceof SimDirectory ? { directory, name } : undefined
  }

  /** Changes a name; the change is durable once `directory` is synced. */
  set(directory: SimDirectory, name: string, entry: SimEntry | undefined): void {
    this.#change([{ directory, name, entry }], directory)
  }

  /** Moves a name; the move is durable once the target directory is synced. */
  move(from: Omit<Edit, 'entry'>, to: Omit<Edit, 'entry'>): void {
    const entry = from.directory.entries.get(from.name)
    if (entry === undefined || entry === to.directory.entries.get(to.name)) return
    this.#change(
      [
        { ...from, entry: undefined },
        { ...to, entry },
      ],
      to.directory,
    )
  }

  /** Makes the creations, renames and removals in a directory durable. */
  sync(directory: SimDirectory): void {
    // A name's changes happen in order: each takes those before it along.
    const taken = new Set<NameChange>()
    const names = new NameSet()
    for (const change of this.#pending.toReversed()) {
      if (change.syncedBy !== directory && !names.hasAny(change)) continue
      taken.add(change)
      names.add(change)
    }
    for (const change of this.#pending) if (taken.has(change)) apply(change, 'durable')
    this.#pending = this.#pending.filter((change) => !taken.has(change))
  }

  /** Handles a failed sync: its changes stay pending for good. */
  failSync(directory: SimDirectory): void {
    for (const change of this.#pending) if (change.syncedBy === directory) change.syncedBy = undefined
  }

  /** Sets or removes a name in both trees. */
  plant(path: string, file: SimFile | undefined): void {
    const names = namesIn(path)
    const last = names.pop()
    if (last === undefined) return
    let directory = this.#root
    for (const name of names) {
      const found = directory.entries.get(name)
      const next = found instanceof SimDirectory ? found : new SimDirectory(this.newIdentity())
      this.#fix({ directory, name, entry: next })
      directory = next
    }
    this.#fix({ directory, name: last, entry: file })
  }

  /** Returns the names after a power loss; everything they refer to is durable. */
  afterPowerLoss(survival: Survival): SimNames {
    const names = new SimNames(this.#root, this.#identities)
    const lost = new NameSet()
    const kept: NameChange[] = []
    for (const change of this.#pending) {
      const survives = survival !== 'synced' && survival.int(2) === 0 && !lost.hasAny(change)
      if (survives) kept.push(change)
      else lost.add(change)
    }
    names.#root = copyTree(this.#root, kept, (file) => file.afterPowerLoss(survival))
    return names
  }

  /** Returns the names after a kill; pending changes stay pending. */
  afterKill(): SimNames {
    const copies = new Map<SimEntry, SimEntry>()
    const names = new SimNames(copyLive(this.#root, copies) as SimDirectory, this.#identities)
    names.#pending = this.#pending.map(({ edits, syncedBy }) => ({
      edits: edits.map(({ directory, name, entry }) => ({
        directory: copyLive(directory, copies) as SimDirectory,
        name,
        entry: entry && copyLive(entry, copies),
      })),
      syncedBy: syncedBy && (copyLive(syncedBy, copies) as SimDirectory),
    }))
    return names
  }

  /** Whether all names and files are the same. False if some are not durable: a power loss may leave any of several states. */
  isSame(other: SimNames): boolean {
    const areDurable = this.#pending.length === 0 && other.#pending.length === 0
    return areDurable && isSameTree(this.#root, other.#root)
  }

  /** Every file with its path, in the order of paths. */
  *files(
    directory: SimDirectory = this.#root,
    prefix = '',
  ): Generator<readonly [path: string, file: SimFile]> {
    for (const [name, entry] of [...directory.entries].sort(byName)) {
      const path = `${prefix}/${name}`
      if (entry instanceof SimFile) yield [path, entry]
      else yield* this.files(entry, path)
    }
  }

  #fix(edit: Edit): void {
    const { directory, name } = edit
    this.#pending = this.#pending.filter(
      ({ edits }) => !edits.some((pending) => pending.directory === directory && pending.name === name),
    )
    for (const tree of ['entries', 'durable'] as const) apply({ edits: [edit], syncedBy: undefined }, tree)
  }

  #change(edits: readonly Edit[], syncedBy: SimDirectory): void {
    const change = { edits, syncedBy }
    apply(change, 'entries')
    this.#pending.push(change)
  }
}

/** Sorts by name, code unit by code unit. */
export function byName<T>(a: readonly [string, T], b: readonly [string, T]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0
}

/** A set of (directory, name). */
class NameSet {
  readonly #names = new Map<SimDirectory, Set<string>>()

  hasAny(change: NameChange): boolean {
    return change.edits.some(({ directory, name }) => this.#names.get(directory)?.has(name) ?? false)
  }

  add(change: NameChange): void {
    for (const { directory, name } of change.edits) {
      const names = this.#names.get(directory) ?? new Set()
      this.#names.set(directory, names.add(name))
    }
  }
}

function apply(change: NameChange, tree: 'entries' | 'durable'): void {
  for (const { directory, name, entry } of change.edits) {
    if (entry === undefined) directory[tree].delete(name)
    else directory[tree].set(name, entry)
  }
}

/** Returns the durable tree with the surviving changes; both trees of the copy are equal. */
function copyTree(
  directory: SimDirectory,
  changes: readonly NameChange[],
  copyFile: (file: SimFile) => SimFile,
): SimDirectory {
  const copy = new SimDirectory(directory.identity)
  const entries = new Map(directory.durable)
  for (const { edits } of changes) {
    for (const edit of edits) {
      if (edit.directory !== directory) continue
      if (edit.entry === undefined) entries.delete(edit.name)
      else entries.set(edit.name, edit.entry)
    }
  }
  for (const [name, entry] of entries) {
    const copied = entry instanceof SimFile ? copyFile(entry) : copyTree(entry, changes, copyFile)
    copy.entries.set(name, copied)
    copy.durable.set(name, copied)
  }
  return copy
}

function isSameTree(one: SimEntry, other: SimEntry): boolean {
  if (one instanceof SimFile) return other instanceof SimFile && one.isSame(other)
  if (other instanceof SimFile || one.identity !== other.identity) return false
  if (one.entries.size !== other.entries.size) return false
  for (const [name, entry] of one.entries) {
    const found = other.entries.get(name)
    if (found === undefined || !isSameTree(entry, found)) return false
  }
  return true
}

/** Copies both trees below an entry; shared parts stay shared, also with pending changes. */
function copyLive(entry: SimEntry, copies: Map<SimEntry, SimEntry>): SimEntry {
  const known = copies.get(entry)
  if (known !== undefined) return known
  if (entry instanceof SimFile) {
    const copy = entry.afterKill()
    copies.set(entry, copy)
    return copy
  }
  const copy = new SimDirectory(entry.identity)
  copies.set(entry, copy)
  for (const tree of ['entries', 'durable'] as const) {
    for (const [name, child] of entry[tree]) copy[tree].set(name, copyLive(child, copies))
  }
  return copy
}

/** Returns the names in a path, with `.` and `..` resolved. Relative paths start at the root. */
function namesIn(path: string): string[] {
  const names: string[] = []
  for (const name of path.split('/')) {
    if (name === '..') names.pop()
    else if (name !== '' && name !== '.') names.push(name)
  }
  return names
}
