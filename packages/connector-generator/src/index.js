/** Generates records in Millrace pipelines, for trials and measurements. */
export { generate } from './generate.ts';
export { hotKeys } from './hot-keys.ts';
