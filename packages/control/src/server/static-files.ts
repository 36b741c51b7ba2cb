import { readFile, realpath } from 'node:fs/promises'
import path from 'node:path'
import { MillraceError } from '@millrace/core'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
}

/** Files whose names contain a hash of their content may be kept by a browser. */
const hashed = /-[\w-]{8,}\.\w+$/

/**
 * Serves the files of one directory. A path that leaves it, also through a link, and an unknown kind of file are not
 * found. Paths without an extension are pages of the dashboard, whose own routes are all in `index.html`. Throws `OPTION_INVALID` where
 * there is no such directory.
 */
export async function staticFiles(
  directory: string,
): Promise<(path: string) => Promise<Response | undefined>> {
  const root = await realpath(directory).catch((error: unknown) => {
    throw new MillraceError('OPTION_INVALID', `the dashboard has no directory ${directory}`, { cause: error })
  })
  return async (requested) => {
    const wanted = decoded(requested)
    if (wanted === undefined) return undefined
    const name = path.extname(wanted) === '' ? '/index.html' : wanted
    const type = types[path.extname(name)]
    if (type === undefined) return undefined
    try {
      const file = await realpath(path.join(root, name))
      if (!file.startsWith(root + path.sep)) return undefined
      const cache = hashed.test(name) ? 'public, max-age=31536000, immutable' : 'no-cache'
      return new Response(await readFile(file), { headers: { 'content-type': type, 'cache-control': cache } })
    } catch {
      return undefined
    }
  }
}

/** The OpenAPI document of this package. */
export function openApiText(): Promise<string> {
  return readFile(new URL('../../openapi.json', import.meta.url), 'utf8')
}

/** The path of a request; undefined for one that no file of ours has. */
function decoded(requested: string): string | undefined {
  try {
    const name = decodeURIComponent(requested)
    const parts = name.split(/[/\\]/)
    return name.includes('\0') || parts.includes('..') ? undefined : name
  } catch {
    return undefined
  }
}
