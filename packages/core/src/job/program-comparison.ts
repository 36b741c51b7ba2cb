import { announcements, checkRestorable, planRestore, type RestorePlan } from '../checkpoint/compatibility.ts'
import type { Manifest } from '../checkpoint/manifest.ts'
import type { DataDirectory } from './data-directory.ts'
import type { JobSettings } from './job-options.ts'

/**
 * Decides what a start does with a checkpoint, and announces by `warn` what it converts and drops. Throws
 * `CHECKPOINT_INCOMPATIBLE`. Changes nothing.
 */
export async function compareWithProgram(
  manifest: Manifest,
  settings: JobSettings,
  directory: DataDirectory,
  warn: (message: string) => void,
): Promise<RestorePlan> {
  const { platform, graph, keyGroups, store, dropState } = settings
  const plan = planRestore(manifest, graph, { keyGroups, storeKind: store.kind, dropState })
  checkRestorable(plan)
  for (const text of announcements(plan)) warn(text)
  for (const name of plan.abandoned) {
    const kept = directory.connector(name)
    if ((await platform.fs.stat(kept)) === undefined) continue
    warn(`${kept} still holds what the connector of '${name}' kept. Remove it when you are sure`)
  }
  return plan
}
