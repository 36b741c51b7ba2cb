/** The module that each worker thread of a pipeline loads first. */
export { serve } from './worker-program.ts'
