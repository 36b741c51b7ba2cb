import type { SourceFile } from './source-file.ts'

/**
 * One rule of the house that a linter cannot express.
 *
 * Its name is a sentence that holds as long as `check` finds nothing. A finding reads
 * `file:line: what is wrong; what to do`.
 */
export interface Rule {
  readonly name: string
  readonly check: (files: readonly SourceFile[]) => string[]
}
