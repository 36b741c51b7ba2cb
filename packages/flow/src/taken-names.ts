/**
 * Names that the user's outputs and aggregates cannot have. Each has the sentence that says why, which is the type that
 * refuses the name and the text of the error for untyped callers.
 */
import { MillraceError } from '@millrace/core'

const takenOutputs = {
  main: "an output cannot be called 'main': that is where emit writes",
  errors: "an output cannot be called 'errors': that is where failed records go",
} as const

const takenSplitOutputs = {
  rest: "an output of split cannot be called 'rest': that is where records go that pass no test",
} as const

const takenFields = {
  key: "an aggregate cannot be called 'key': results have the key of their records under that name",
  window: "an aggregate cannot be called 'window': results have their window under that name",
  pane: "an aggregate cannot be called 'pane': results have their pane under that name",
} as const

type Refused<Taken> = { readonly [Name in keyof Taken]?: Taken[Name] }

/** Refuses outputs of `process` whose names are taken. */
export type TakenOutputs = Refused<typeof takenOutputs>

/** Refuses outputs of `split` whose names are taken. */
export type TakenSplitOutputs = TakenOutputs & Refused<typeof takenSplitOutputs>

/** Refuses aggregates whose names are taken. */
export type TakenFields = Refused<typeof takenFields>

/** Throws `OPTION_INVALID` for an output of the operator whose name is taken. */
export function checkOutputs(operator: string, type: string, outputs: readonly string[]): void {
  checkNames(operator, outputs, takenOutputs)
  if (type === 'split') checkNames(operator, outputs, takenSplitOutputs)
}

/** Throws `OPTION_INVALID` for an aggregate of the operator whose name is taken. */
export function checkFields(operator: string, aggregates: readonly string[]): void {
  checkNames(operator, aggregates, takenFields)
}

function checkNames(
  operator: string,
  names: readonly string[],
  taken: Readonly<Record<string, string>>,
): void {
  for (const name of names) {
    if (Object.hasOwn(taken, name)) refuse(operator, taken[name]!)
    if (name === '__proto__') refuse(operator, "no part of a result can be called '__proto__'")
  }
}

function refuse(operator: string, why: string): never {
  throw new MillraceError('OPTION_INVALID', `'${operator}': ${why}; choose another name`)
}
