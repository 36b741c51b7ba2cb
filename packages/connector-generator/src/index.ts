/** Generates records in Millrace pipelines, for trials and measurements. */
export { generate } from './generate.ts'
export type { GenerateOptions, RecordSeed } from './generator-plan.ts'
export type { GeneratorPosition } from './generator-reader.ts'
export { hotKeys } from './hot-keys.ts'
export type { HotKeysOptions } from './hot-keys.ts'
