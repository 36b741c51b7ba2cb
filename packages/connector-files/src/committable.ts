/** A staged file, and the part of it that belongs to a checkpoint. */
export type StagedPart = {
  readonly staged: string
  /** In bytes. */
  readonly length: number
  /** Of the first `length` bytes. */
  readonly checksum: number
}

/** What a checkpoint appends to a growing file: the beginning of `staged` goes to `target[base]`. */
export type LivePart = StagedPart & { readonly base: number }

/** What a checkpoint makes a separate file of. */
export type RolledPart = StagedPart & { readonly target: string }

/**
 * Data of one subtask that is durable for a checkpoint but not yet visible.
 *
 * It names everything that is not known to be visible, including data of earlier checkpoints, so the last
 * committable of a subtask completes them all. It also names the end of the output, so that additions by
 * later checkpoints can be removed when this one is restored.
 */
export type FileCommittable =
  | {
      readonly kind: 'live'
      readonly checkpoint: number
      readonly target: string
      /** The size of the target after this commit, in bytes. */
      readonly end: number
      readonly parts: readonly LivePart[]
    }
  | {
      readonly kind: 'rolling'
      readonly checkpoint: number
      /** The path given to the sink, and the subtask: together they identify the files. */
      readonly path: string
      readonly subtask: number
      /** Files that are complete. */
      readonly rolled: readonly RolledPart[]
      /** The file that is still being written. It becomes visible later, or after a restart. */
      readonly open: RolledPart | null
      /** The number of the next file. */
      readonly next: number
    }

/** The committable of one of the two write modes. */
export type CommittableOf<Kind extends FileCommittable['kind']> = Extract<FileCommittable, { kind: Kind }>
