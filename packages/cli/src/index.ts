/** The millrace command, to be called by a launcher. */
export { main } from './main.ts'
