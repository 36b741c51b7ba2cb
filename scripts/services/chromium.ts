import { programOf } from './program.ts'

/** A browser that Playwright can start, or why there is none. */
export type BrowserOutcome =
  | { readonly executablePath: string; readonly env: NodeJS.ProcessEnv }
  | { readonly missing: string }

/**
 * Finds Chromium for tests: the file in `MILLRACE_CHROMIUM`, the one on the path, or the one of Debian's packages, which are
 * fetched once into the cache. In CI (`CI=true`) it throws if there is none.
 */
export async function chromium(): Promise<BrowserOutcome> {
  const given = process.env['MILLRACE_CHROMIUM']
  if (given !== undefined) return { executablePath: given, env: process.env }
  try {
    const { file, libraries } = await programOf({
      name: 'chromium',
      program: 'chromium',
      packages: ['chromium'],
      withDependencies: true,
      file: 'usr/lib/chromium/chromium',
    })
    return { executablePath: file, env: { ...process.env, LD_LIBRARY_PATH: libraries } }
  } catch (error) {
    const missing = `Chromium cannot be fetched: ${error instanceof Error ? error.message : String(error)}; set MILLRACE_CHROMIUM to the file of one`
    if (process.env['CI'] === 'true') throw new Error(missing, { cause: error })
    process.stderr.write(`skipped: ${missing}\n`)
    return { missing }
  }
}
