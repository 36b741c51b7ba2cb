/** The source of this package and what helps to draw its records, exported as `generator`. */
export { generate } from './generate.ts'
export { hotKeys } from './hot-keys.ts'
