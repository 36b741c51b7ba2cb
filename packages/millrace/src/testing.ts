/**
 * Tests of pipelines, with any test runner.
 *
 * A module of its own, so that a program in production does not load what only tests need.
 */
export { testPipeline } from '@millrace/testkit'
export type { PipelineTest, PipelineTestOptions } from '@millrace/testkit'
