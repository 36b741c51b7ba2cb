/**
 * Writes `expected.json`: what DuckDB gives for a few thousand events, for the test that needs no DuckDB.
 *
 * `npm run nexmark:expected`, after a change of the generator or of a query's meaning.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { inputFiles } from './input.ts'
import { DuckOracle, type Digest } from './oracle/duck-oracle.ts'
import { queries } from './queries/all.ts'

/** Half a minute of event time, with events out of order: small, and yet some windows, sessions and auctions end. */
const options = { events: 3_000, rate: 100, outOfOrderGroup: 10 }

const folder = await mkdtemp(path.join(os.tmpdir(), 'millrace-nexmark-expected-'))
const input = await inputFiles(options, folder)
const oracle = await DuckOracle.open(input.ndjson)
const digests: Record<string, Digest> = {}
for (const name of Object.keys(queries)) digests[name] = await oracle.digest(name)
oracle.close()
await rm(folder, { recursive: true })
const expected = { ...options, sha256: input.sha256, queries: digests }
await writeFile(path.join(import.meta.dirname, 'expected.json'), `${JSON.stringify(expected, null, 2)}\n`)
