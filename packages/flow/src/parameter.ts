import { MillraceError } from '@millrace/core'

/**
 * Values for a pipeline's parameters by name, from a program or `--parameter name=value`. Text is converted.
 */
export type ParameterValues = Readonly<Record<string, string | number | boolean>>

/** The types a parameter can have, by the name a declaration uses. */
export interface ParameterTypes {
  readonly number: number
  readonly string: string
  readonly boolean: boolean
}

/** The declaration of a parameter: its default, or the type of a required value. */
export type ParameterDeclaration = number | string | boolean | { readonly required: keyof ParameterTypes }

/** The type of a parameter's value. */
export type ParameterValue<D extends ParameterDeclaration> = D extends {
  readonly required: infer Type extends keyof ParameterTypes
}
  ? ParameterTypes[Type]
  : D extends number
    ? number
    : D extends string
      ? string
      : boolean

/** A declared parameter with its value. */
export interface Parameter {
  readonly name: string
  readonly type: keyof ParameterTypes
  /** Undefined for a required parameter. */
  readonly fallback: number | string | boolean | undefined
  readonly value: number | string | boolean
}

/** The parameters of one run of a build function: the given values and the declared parameters. */
export class ParameterList {
  readonly #pipeline: string
  readonly #given: ReadonlyMap<string, string | number | boolean>
  readonly #declared = new Map<string, Parameter>()

  constructor(pipeline: string, given: ParameterValues) {
    this.#pipeline = pipeline
    this.#given = new Map(Object.entries(given))
  }

  declare(name: string, declaration: ParameterDeclaration): Parameter['value'] {
    if (this.#declared.has(name)) {
      throw new MillraceError(
        'NAME_TAKEN',
        `pipeline '${this.#pipeline}' declares parameter '${name}' twice; declare it once and use the value in both places`,
      )
    }
    const fallback = typeof declaration === 'object' ? undefined : declaration
    const type = typeof declaration === 'object' ? declaration.required : typeName(declaration)
    const given = this.#given.get(name)
    if (given === undefined && fallback === undefined) throw this.#missing(name, type)
    const value = given === undefined ? fallback! : this.#convert(name, type, given)
    this.#declared.set(name, { name, type, fallback, value })
    return value
  }

  /** All declared parameters, in order. Throws `OPTION_INVALID` if a value was given for any other name. */
  finish(): readonly Parameter[] {
    const unknown = this.#unknown()
    if (unknown.length > 0) {
      const known = [...this.#declared.values()].map(({ name, type }) => `${name} (${type})`)
      throw new MillraceError(
        'OPTION_INVALID',
        `pipeline '${this.#pipeline}' has no parameter ${unknown.join(', ')}; ${known.length > 0 ? `it has ${known.join(', ')}` : 'it has none'}`,
      )
    }
    return [...this.#declared.values()]
  }

  #unknown(): string[] {
    return [...this.#given.keys()].filter((name) => !this.#declared.has(name)).map((name) => `'${name}'`)
  }

  #missing(name: string, type: keyof ParameterTypes): MillraceError {
    // The rest of the pipeline is not known yet, so a misspelled name can only be suggested.
    const others = this.#unknown()
    const hint = others.length > 0 ? ` (given, and not used so far: ${others.join(', ')})` : ''
    return new MillraceError(
      'OPTION_INVALID',
      `pipeline '${this.#pipeline}' needs parameter '${name}', a ${type}; give it with --parameter ${name}=...${hint}`,
    )
  }

  #convert(name: string, type: keyof ParameterTypes, given: Parameter['value']): Parameter['value'] {
    if (typeof given === type && !Number.isNaN(given)) return given
    if (typeof given === 'string') {
      if (type === 'number' && given.trim() !== '' && !Number.isNaN(Number(given))) return Number(given)
      if (type === 'boolean' && (given === 'true' || given === 'false')) return given === 'true'
    }
    throw new MillraceError(
      'OPTION_INVALID',
      `parameter '${name}' of pipeline '${this.#pipeline}' is ${JSON.stringify(given)}, which is not a ${type}${type === 'boolean' ? '; give true or false' : ''}`,
    )
  }
}

function typeName(value: number | string | boolean): keyof ParameterTypes {
  return typeof value as keyof ParameterTypes
}
