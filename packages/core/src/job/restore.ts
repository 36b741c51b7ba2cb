import { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts'
import { announcements, checkRestorable, planRestore, type RestorePlan } from '../checkpoint/compatibility.ts'
import type { Manifest } from '../checkpoint/manifest.ts'
import { entriesOf } from '../checkpoint/parts.ts'
import { makeDurableDirectory } from '../disk/durable-directory.ts'
import type { Owner } from '../disk/owner.ts'
import { docsLink } from '../errors/docs-link.ts'
import { describeError, isMillraceError, MillraceError } from '../errors/errors.ts'
import { DataDirectory } from './data-directory.ts'
import { settingsOf, type JobOptions, type JobSettings } from './job-options.ts'

/** What an attempt starts from. */
export interface StartPoint {
  /** The restore plan; undefined if there is no checkpoint. */
  readonly plan: RestorePlan | undefined
  /** The checkpoint and the readable ones before it, newest first. */
  readonly manifests: readonly Manifest[]
  /** The highest checkpoint number ever used, or 0. */
  readonly newest: number
}

/** The dependencies of the start of an attempt. */
export interface RestoreSurroundings {
  readonly settings: JobSettings
  readonly owner: Owner
  readonly storage: CheckpointStorage
  readonly directory: DataDirectory
  readonly warn: (message: string, docs?: string) => void
}

/**
 * Restores from the newest intact checkpoint: calls `restore` for each, from the newest, until it does not
 * throw `CHECKPOINT_CORRUPT`. A damaged one is reported. Refuses to start without a usable checkpoint if
 * there are some.
 *
 * Resolves once no crash can lose the checkpoint any more: the sinks will commit what it names.
 */
export async function restoreNewest(
  around: RestoreSurroundings,
  restore: (point: StartPoint) => Promise<void>,
): Promise<void> {
  const { settings, owner, storage, warn } = around
  await makeDurableDirectory(settings.platform.fs, storage.directory)
  await storage.fence(owner)
  const numbers = await storage.list()
  const newest = numbers[0] ?? 0
  let manifests = await storage.readable((message) => warn(`${message}; the one before it is used`))
  for (;;) {
    const [manifest, before] = manifests
    const plan = manifest && (await compareWithProgram(manifest, around))
    if (manifest === undefined && settings.dropState.length > 0) {
      warn(
        `--drop-state ${settings.dropState.join(', ')} drops nothing: there is no checkpoint. Remove the option`,
      )
    }
    try {
      await restore({ plan, manifests, newest })
      break
    } catch (error) {
      if (!isMillraceError(error, 'CHECKPOINT_CORRUPT')) throw error
      if (before === undefined) throw unusable(numbers.length, storage.directory, error)
      warn(
        `checkpoint ${manifest!.checkpoint} cannot be used: ${describeError(error)}; falling back to checkpoint ${before.checkpoint}: results committed since then may be written again`,
      )
      manifests = manifests.slice(1)
    }
  }
  const [restored] = manifests
  if (restored !== undefined) await storage.renew(restored.checkpoint, owner)
}

/**
 * Returns what a start with these options would do with the newest checkpoint, or `undefined` if there is none.
 * It changes nothing, and may be called while the job runs. A checkpoint that cannot be read is reported to
 * `warn` and the one before it is used, as a start does.
 *
 * Throws `CHECKPOINT_CORRUPT` if no checkpoint can be read, and `OPTION_INVALID`.
 *
 * @example
 * const plan = await planStart({ graph, directory: '.millrace/fraud', platform, store }, console.warn)
 * plan?.parts.filter(({ outcome }) => outcome === 'incompatible')
 */
export async function planStart(
  options: JobOptions,
  warn: (message: string) => void,
): Promise<RestorePlan | undefined> {
  const settings = settingsOf(options)
  const { checkpoints } = new DataDirectory(settings.directory)
  const storage = new CheckpointStorage(settings.platform.fs, checkpoints)
  const [newest] = await readableWhileRunning(storage, warn)
  return newest && planOf(newest, settings)
}

/**
 * Reads all checkpoints, of a directory whose job may run: it removes old ones. What has failed is tried again if the
 * list was another one before.
 */
async function readableWhileRunning(
  storage: CheckpointStorage,
  warn: (message: string) => void,
): Promise<readonly Manifest[]> {
  for (;;) {
    const before = await storage.list()
    const messages: string[] = []
    let failure: { readonly error: unknown } | undefined
    let manifests: readonly Manifest[] = []
    try {
      manifests = await storage.readable((message) => messages.push(message))
    } catch (error) {
      failure = { error }
    }
    const isSame = String(await storage.list()) === String(before)
    if ((failure !== undefined || messages.length > 0) && !isSame) continue
    if (failure !== undefined) throw failure.error
    for (const message of messages) warn(message)
    return manifests
  }
}

function planOf(manifest: Manifest, { graph, keyGroups, store, dropState }: JobSettings): RestorePlan {
  return planRestore(manifest, graph, {
    keyGroups,
    storeKind: store.kind,
    restores: store.restores ?? [],
    dropState,
  })
}

/**
 * Plans what a start does with a checkpoint, and reports what it converts and drops. Throws
 * `CHECKPOINT_INCOMPATIBLE`. Changes nothing.
 */
async function compareWithProgram(
  manifest: Manifest,
  { settings, directory, warn }: RestoreSurroundings,
): Promise<RestorePlan> {
  const { platform, graph } = settings
  const plan = planOf(manifest, settings)
  const typesNow = new Map(entriesOf(graph).map(({ name, type }) => [name, type]))
  checkRestorable(plan)
  for (const text of announcements(plan)) warn(text, docsLink('changedPrograms'))
  for (const name of plan.abandoned) {
    // A connector that only begins anew uses its data still.
    if (typesNow.get(name) === manifest.operators.find((entry) => entry.name === name)?.type) continue
    const kept = directory.connector(name)
    if ((await platform.fs.stat(kept)) === undefined) continue
    warn(`${kept} still contains data of the connector of '${name}'. Remove it when you no longer need it`)
  }
  return plan
}

function unusable(checkpoints: number, directory: string, cause: MillraceError): MillraceError {
  return new MillraceError(
    'CHECKPOINT_CORRUPT',
    `none of the ${checkpoints} checkpoints in ${directory} can be used; restore the data directory from a copy, or start with another one. The last one tried: ${describeError(cause)}`,
    { cause },
  )
}
