import { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts'
import { DirectoryLock } from '../checkpoint/directory-lock.ts'
import type { Manifest, OperatorEntry, SourceEntry } from '../checkpoint/manifest.ts'
import { lossText } from '../checkpoint/parts.ts'
import type { Json } from '../codec/json.ts'
import type { Owner } from '../disk/owner.ts'
import type { Platform } from '../disk/platform.ts'
import { readOnlyFs } from '../disk/read-only-fs.ts'
import { MillraceError } from '../errors/errors.ts'
import { nearest } from '../errors/nearest.ts'
import type { StateStore } from '../state/state-store.ts'
import { DataDirectory } from './data-directory.ts'
import { writeSavepoint } from './savepoint.ts'

/** What a job forgets. */
export interface ResetRequest {
  /** Sources whose positions are forgotten. */
  readonly sources?: readonly string[]
  /** `OPERATOR` or `OPERATOR/PIECE`: state that is forgotten. */
  readonly state?: readonly string[]
  /** Forgets the positions of all sources and the state of all operators. */
  readonly everything?: boolean
  /** New positions of splits, in the form of the source. */
  readonly positions?: readonly SplitPosition[]
}

/** Where a split is read on. */
export interface SplitPosition {
  readonly source: string
  readonly split: string
  readonly position: Json
}

/** What a reset does. */
export interface ResetPlan {
  /** The checkpoint that it starts from. */
  readonly from: number
  /** The checkpoint that it writes. */
  readonly to: number
  /** One for each part that changes, in the order of the checkpoint. */
  readonly changes: readonly ResetChange[]
  /** What the user should know besides. */
  readonly notes: readonly string[]
}

/** What a reset does with one part. */
export interface ResetChange {
  readonly part: string
  readonly kind: OperatorEntry['kind']
  /** A phrase for people. */
  readonly effect: string
}

/** The data directory of a job that does not run. */
export interface ResetPlace {
  readonly platform: Platform
  readonly directory: string
  /** Called if the lease of an owner elsewhere has to be waited for, in milliseconds. */
  readonly waiting?: (owner: string, leaseMs: number) => void
}

/**
 * Returns what `resetJob` would do, and changes nothing. Rejects with `OPTION_INVALID` for names that the newest checkpoint
 * does not have, `FS_NOT_FOUND` if there is no checkpoint, and `CHECKPOINT_CORRUPT` if the newest one is damaged.
 *
 * @example
 * await planReset({ platform, directory: '.millrace/fraud' }, { sources: ['payments'] })
 */
export async function planReset(place: ResetPlace, request: ResetRequest): Promise<ResetPlan> {
  const { checkpoints } = new DataDirectory(place.directory)
  const storage = new CheckpointStorage(readOnlyFs(place.platform.fs), checkpoints)
  return planOf(await newestOf(storage, place.directory), request)
}

/**
 * Lets a job that does not run forget positions and state: writes a checkpoint after the newest, which says what the
 * next start leaves out. Nothing is removed before that start has made a checkpoint of its own.
 *
 * `backup` is a directory for a complete copy of the checkpoint as it was: a savepoint. Rejects as `planReset` does, and
 * with `DIRECTORY_LOCKED` while the job runs.
 *
 * @example
 * await resetJob({ platform, directory: '.millrace/fraud' }, { everything: true })
 */
export function resetJob(
  place: ResetPlace,
  request: ResetRequest,
  backup?: { readonly directory: string; readonly store: StateStore },
): Promise<ResetPlan> {
  return owning(place, async (owner, storage) => {
    const manifest = await newestOf(storage, place.directory)
    const plan = planOf(manifest, request)
    if (backup !== undefined) {
      requireCommitted(manifest)
      const settings = { platform: place.platform, directory: place.directory, store: backup.store }
      await writeSavepoint(settings, owner, manifest, backup.directory)
    }
    const { clock } = place.platform
    const sources = manifest.sources.map((entry) => repositioned(entry, request.positions ?? []))
    await publish(storage, owner, {
      ...manifest,
      checkpoint: plan.to,
      createdAt: clock.now(),
      sources,
      reset: { from: plan.from, drop: dropsOf(manifest, request) },
    })
    return plan
  })
}

/**
 * Takes a reset back, as long as no job has started since. Resolves with the number of the checkpoint that it writes, which
 * has the content of the one before the reset. Rejects with `OPTION_INVALID` if the newest checkpoint is not from a reset.
 */
export function undoReset(place: ResetPlace): Promise<{ readonly from: number; readonly to: number }> {
  return owning(place, async (owner, storage) => {
    const newest = await newestOf(storage, place.directory)
    if (newest.reset === undefined) {
      throw new MillraceError(
        'OPTION_INVALID',
        `the newest checkpoint of ${place.directory}, ${newest.checkpoint}, is not from a reset: there was none, or the job has run since. Restore the backup, if there is one`,
      )
    }
    const { from } = newest.reset
    const before = await storage.read(from)
    const to = newest.checkpoint + 1
    await publish(storage, owner, { ...before, checkpoint: to, createdAt: place.platform.clock.now() })
    return { from, to }
  })
}

/** A savepoint has no output to commit, because two jobs that start from it and from the original would both do so. */
function requireCommitted({ checkpoint, sinks }: Manifest): void {
  const pending = sinks.filter(({ isCommitted }) => isCommitted !== true).map(({ sink }) => sink)
  if (pending.length === 0) return
  throw new MillraceError(
    'OPTION_INVALID',
    `checkpoint ${checkpoint} has output of ${[...new Set(pending)].join(', ')} that may not be committed yet, because the job was killed, so no backup of it can be made. Start the job and stop it, or copy the data directory`,
  )
}

async function publish(storage: CheckpointStorage, owner: Owner, manifest: Manifest): Promise<void> {
  await storage.publish(manifest, owner)
  // From now on its absence is noticed.
  await storage.retire([], manifest.checkpoint)
}

async function owning<T>(
  { platform, directory, waiting }: ResetPlace,
  use: (owner: Owner, storage: CheckpointStorage) => Promise<T>,
): Promise<T> {
  const data = new DataDirectory(directory)
  // Before the lock, which would make the directory of one who has mistyped it.
  await newestOf(new CheckpointStorage(readOnlyFs(platform.fs), data.checkpoints), directory)
  const lock = await DirectoryLock.take({
    platform,
    data: directory,
    directory: data.owner,
    options: { leaseMs: 30_000, heartbeatMs: 5_000 },
    signal: new AbortController().signal,
    waiting: waiting ?? (() => {}),
    lost: () => {},
    warn: () => {},
  })
  try {
    const storage = new CheckpointStorage(platform.fs, data.checkpoints)
    await storage.fence(lock)
    return await use(lock, storage)
  } finally {
    await lock.release()
  }
}

async function newestOf(storage: CheckpointStorage, directory: string): Promise<Manifest> {
  const [newest] = await storage.list()
  if (newest !== undefined) return storage.read(newest)
  throw new MillraceError(
    'FS_NOT_FOUND',
    `${directory} has no checkpoint, so there is nothing to reset; give the data directory of a job, as in its --data-dir`,
  )
}

function planOf(manifest: Manifest, request: ResetRequest): ResetPlan {
  const drops = dropsOf(manifest, request)
  const positions = request.positions ?? []
  for (const position of positions) checkPosition(manifest, position, drops)
  if (drops.length === 0 && positions.length === 0) {
    throw new MillraceError(
      'OPTION_INVALID',
      'the reset says nothing to forget; name sources, state or everything',
    )
  }
  const changes = manifest.operators.flatMap((entry) => {
    const effects = effectsOn(entry, manifest, { drops, positions })
    return effects.map((effect) => ({ part: entry.name, kind: entry.kind, effect }))
  })
  return {
    from: manifest.checkpoint,
    to: manifest.checkpoint + 1,
    changes,
    notes: notesOf(manifest, drops, positions),
  }
}

/** What the next start drops, by the names of `--drop-state`. Includes what an earlier reset has left to it. */
function dropsOf(
  manifest: Manifest,
  { sources = [], state = [], everything }: ResetRequest,
): readonly string[] {
  for (const name of sources) requirePart(manifest, name, ['source'])
  for (const each of state) requireState(manifest, each)
  const kept = manifest.operators.filter(({ kind }) => kind !== 'sink').map(({ name }) => name)
  return [
    ...new Set([...(manifest.reset?.drop ?? []), ...(everything === true ? kept : []), ...sources, ...state]),
  ]
}

function requireState(manifest: Manifest, given: string): void {
  const { operators } = manifest
  if (operators.some(({ name, kind }) => name === given && (kind === 'operator' || kind === 'async'))) return
  const at = given.lastIndexOf('/')
  const entry = operators.find(({ name, kind }) => kind === 'operator' && name === given.slice(0, at))
  if (at < 0 || entry === undefined) {
    requirePart(manifest, given, ['operator', 'async'])
    return
  }
  const pieces = entry.pieces.filter(({ role }) => role === 'state').map(({ name }) => name)
  if (!pieces.includes(given.slice(at + 1))) {
    throw unknown(`operator '${entry.name}' has no state`, given.slice(at + 1), pieces)
  }
}

function requirePart(
  { operators, checkpoint }: Manifest,
  name: string,
  kinds: readonly OperatorEntry['kind'][],
): void {
  const fit = operators.filter(({ kind }) => kinds.includes(kind))
  if (fit.some((entry) => entry.name === name)) return
  const other = operators.find((entry) => entry.name === name)
  const what = kinds.includes('source') ? 'source' : 'operator with state'
  if (other === undefined) {
    throw unknown(
      `checkpoint ${checkpoint} has no ${what}`,
      name,
      fit.map((entry) => entry.name),
    )
  }
  const advice =
    other.kind === 'sink'
      ? 'What it has written stays, and what it has prepared is committed by the next start'
      : `Name it with --${other.kind === 'source' ? 'source' : 'state'}`
  throw new MillraceError('OPTION_INVALID', `'${name}' is a ${other.kind}, no ${what}. ${advice}`)
}

function checkPosition(manifest: Manifest, { source, split }: SplitPosition, drops: readonly string[]): void {
  requirePart(manifest, source, ['source'])
  if (drops.includes(source)) {
    throw new MillraceError(
      'OPTION_INVALID',
      `source '${source}' forgets all its positions, so split '${split}' cannot be given one; do one or the other`,
    )
  }
  const splits = manifest.sources.find((entry) => entry.source === source)?.splits ?? []
  if (splits.some((entry) => entry.split === split)) return
  throw unknown(
    `source '${source}' reads no split`,
    split,
    splits.map((entry) => entry.split),
  )
}

function repositioned(entry: SourceEntry, positions: readonly SplitPosition[]): SourceEntry {
  return {
    ...entry,
    splits: entry.splits.map((split) => {
      const given = positions.find((each) => each.source === entry.source && each.split === split.split)
      return given === undefined ? split : { ...split, position: given.position }
    }),
  }
}

interface Changing {
  readonly drops: readonly string[]
  readonly positions: readonly SplitPosition[]
}

function effectsOn(
  entry: OperatorEntry,
  manifest: Manifest,
  { drops, positions }: Changing,
): readonly string[] {
  const { name, kind, type } = entry
  if (kind === 'source' && drops.includes(name)) {
    return [
      `the positions of all its splits are forgotten; the ${type} source is read from where the program begins`,
    ]
  }
  if (kind === 'source') {
    return positions
      .filter((each) => each.source === name)
      .map(({ split, position }) => {
        const known = manifest.sources.find((each) => each.source === name)?.splits
        const before = known?.find((each) => each.split === split)?.position
        return `split ${split} is read from ${JSON.stringify(position)}; it was at ${JSON.stringify(before) ?? 'its beginning'}`
      })
  }
  if (drops.includes(name)) {
    return [kind === 'async' ? 'its calls in flight are forgotten' : lossText(entry)]
  }
  const pieces = entry.pieces.filter((piece) => drops.includes(`${name}/${piece.name}`))
  return pieces.map((piece) => `the values of state '${piece.name}' are gone`)
}

function notesOf(
  { operators }: Manifest,
  drops: readonly string[],
  positions: readonly SplitPosition[],
): readonly string[] {
  const isReplay =
    positions.length > 0 || operators.some(({ name, kind }) => kind === 'source' && drops.includes(name))
  if (!isReplay) return []
  const kept = operators.filter(({ name, kind }) => kind === 'operator' && !drops.includes(name))
  const names = kept.map(({ name }) => `'${name}'`).join(', ')
  return [
    'sinks keep what they have written, so results of records that are read again come again',
    ...(kept.length === 0
      ? []
      : [
          `the state of ${names} is kept: records that are read again are counted again there, and are late where they are older than its watermark`,
        ]),
  ]
}

function unknown(what: string, name: string, known: readonly string[]): MillraceError {
  const meant = nearest(name, known)
  const advice = meant === undefined ? `It has ${known.join(', ') || 'none'}` : `Did you mean '${meant}'?`
  return new MillraceError('OPTION_INVALID', `${what} '${name}'. ${advice}`)
}
