/** The millrace command, for programs that call it. */
export { launch, main } from './launch.ts'
