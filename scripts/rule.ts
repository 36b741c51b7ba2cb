import type { SourceFile } from './source-file.ts'

/**
 * A rule for the whole workspace that a linter cannot express.
 *
 * Its name is a sentence that is true when `check` returns nothing. A finding reads
 * `file:line: what is wrong; what to do`.
 */
export interface Rule {
  readonly name: string
  readonly check: (files: readonly SourceFile[]) => string[]
}
