/** Generates records for trials, tests and benchmarks. */
export * as generator from './generator.ts'
export type { GenerateOptions, RecordSeed } from './generator-plan.ts'
export type { GeneratorPosition } from './generator-reader.ts'
export type { HotKeysOptions } from './hot-keys.ts'
