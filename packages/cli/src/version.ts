import { createRequire } from 'node:module'

/** The version of this package, the same for all packages of Millrace. */
export function version(): string {
  const manifest = createRequire(import.meta.url)('@millrace/cli/package.json') as {
    readonly version: string
  }
  return manifest.version
}
