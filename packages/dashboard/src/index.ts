/** Where the page of a running job is. The HTTP API of the job serves it. */

export { pageDirectory } from './page-directory.ts'
