/** Creates a new project with a pipeline and its test. */
export { createProject } from './create-project.ts'
