import { plainName } from './json-skeleton.ts'
import { setField } from './plain-object.ts'

/** Makes an object of values in the order of the names. Values that are missing become `missing`. */
export type MakeRecord<T> = (values: readonly T[], missing: T) => Record<string, T>

/** Objects with more fields are made field by field. */
const fieldsMax = 64

let compilations = 0

/**
 * Returns a function that makes objects with these names, which must differ. It is compiled where the names are ordinary:
 * an object literal costs a third of setting the fields one by one.
 *
 * @example
 * recordMaker<string>(['card', 'amount'])(['4711'], '') // => { card: '4711', amount: '' }
 */
export function recordMaker<T>(names: readonly string[]): MakeRecord<T> {
  if (names.length > fieldsMax || !names.every((name) => plainName.test(name))) return fieldByField(names)
  try {
    return compiled(names)
  } catch (error) {
    // Where code cannot be compiled.
    if (error instanceof EvalError) return fieldByField(names)
    throw error
  }
}

function compiled<T>(names: readonly string[]): MakeRecord<T> {
  const fields = names.map((name, i) => `${JSON.stringify(name)}: values[${i}] ?? missing`).join(', ')
  // The number keeps V8 from reusing the cached code of other names, with its type feedback.
  const source = `// record ${++compilations}
    return { ${fields} }`
  // oxlint-disable-next-line typescript/no-implied-eval -- a fixed template, and names that were checked
  return new Function('values', 'missing', source) as MakeRecord<T>
}

function fieldByField<T>(names: readonly string[]): MakeRecord<T> {
  return (values, missing) => {
    const record: Record<string, T> = {}
    for (const [i, name] of names.entries()) setField(record, name, values[i] ?? missing)
    return record
  }
}
