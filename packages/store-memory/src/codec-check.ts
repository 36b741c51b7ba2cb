import { MillraceError } from '@millrace/core'
import type { TableSpec } from '@millrace/core'

/** Throws `CHECKPOINT_INCOMPATIBLE` if the table's codec cannot read bytes of that codec and version. */
export function checkCodec(
  spec: TableSpec<unknown>,
  stored: { readonly codec: string; readonly version: number },
): void {
  const { owner, name, codec } = spec
  if (stored.codec === codec.id && stored.version <= codec.version) return
  const advice =
    stored.codec === codec.id
      ? 'run a version of the program that knows it, or restore an older checkpoint'
      : 'give the new state another name, or the state its old codec'
  throw new MillraceError(
    'CHECKPOINT_INCOMPATIBLE',
    `operator ${owner}, state ${name}: the checkpoint holds values of codec ${stored.codec} version ` +
      `${stored.version}, the program has codec ${codec.id} version ${codec.version}; ${advice}`,
    { place: owner },
  )
}
