/**
 * A registry of npm with the packages of a directory: `node --import tsx npm-registry-server.ts DIRECTORY HOST PORT`. It prints a line
 * when it listens.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import path from 'node:path'

const [directory, host, port] = process.argv.slice(2) as [string, string, string]
const base = `http://${host}:${port}`

interface Manifest {
  readonly name: string
  readonly version: string
}

/** By name: what the registry says about a package. */
const documents = new Map<string, string>()
for (const file of readdirSync(directory)) {
  const packed = path.join(directory, file)
  const text = execFileSync('tar', ['--extract', '--to-stdout', '--file', packed, 'package/package.json'])
  const manifest = JSON.parse(text.toString()) as Manifest
  const { name, version } = manifest
  const integrity = `sha512-${createHash('sha512').update(readFileSync(packed)).digest('base64')}`
  const described = { ...manifest, dist: { tarball: `${base}/-/${file}`, integrity } }
  const document = { name, 'dist-tags': { latest: version }, versions: { [version]: described } }
  documents.set(name, JSON.stringify(document))
}

createServer((request, response) => {
  const wanted = decodeURIComponent(request.url ?? '/').slice(1)
  const document = documents.get(wanted)
  if (document !== undefined) return void response.end(document)
  const file = path.basename(wanted)
  if (wanted.startsWith('-/') && readdirSync(directory).includes(file))
    return void response.end(readFileSync(path.join(directory, file)))
  response.statusCode = 404
  response.end('{}')
}).listen(Number(port), host, () => process.stdout.write(`${base}\n`))
