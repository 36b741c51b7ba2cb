/** The millrace command, to be called by a launcher. */
export { launch, main } from './launch.ts'
