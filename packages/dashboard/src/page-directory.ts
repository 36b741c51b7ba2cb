/**
 * The directory with the files of the page: `index.html` and what it loads. All addresses in them are relative, so that
 * it may be served under any path; the page asks the job for data at `api/v1/` beside it.
 *
 * @example
 * const index = await readFile(new URL('index.html', pageDirectory))
 */
export const pageDirectory: URL = new URL('../dist/page/', import.meta.url)
