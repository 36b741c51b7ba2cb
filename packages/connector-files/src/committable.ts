/** A file that is staged, and how much of it belongs to a checkpoint. */
export type StagedPart = {
  readonly staged: string
  /** In bytes. */
  readonly length: number
  /** Of the first `length` bytes. */
  readonly checksum: number
}

/** What a checkpoint adds to a file that grows: `target[base]` on is the beginning of `staged`. */
export type LivePart = StagedPart & { readonly base: number }

/** What a checkpoint makes of a staged file: a file of its own. */
export type RolledPart = StagedPart & { readonly target: string }

/**
 * What one subtask has made durable for a checkpoint and not yet visible.
 *
 * It names everything that is not known to be visible, also what was prepared for earlier checkpoints: the
 * last one of a subtask is enough to finish them all. It also says where the output ends, so that what a
 * later checkpoint has added can be taken back when this one is restored.
 */
export type FileCommittable =
  | {
      readonly kind: 'live'
      readonly checkpoint: number
      readonly target: string
      /** How long the target is once this is committed, in bytes. */
      readonly end: number
      readonly parts: readonly LivePart[]
    }
  | {
      readonly kind: 'rolling'
      readonly checkpoint: number
      /** The path the sink was told, and the subtask: together they tell which files are meant. */
      readonly path: string
      readonly subtask: number
      /** Files that are complete. */
      readonly rolled: readonly RolledPart[]
      /** The file that is still written to. It becomes visible later, or after a restart. */
      readonly open: RolledPart | null
      /** The number of the next file. */
      readonly next: number
    }

/** A committable of the kind that one of the two ways of writing makes. */
export type CommittableOf<Kind extends FileCommittable['kind']> = Extract<FileCommittable, { kind: Kind }>
