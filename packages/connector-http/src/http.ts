/** The sources of this package, exported as `http`. */
export { receive } from './http-server-source.ts'
