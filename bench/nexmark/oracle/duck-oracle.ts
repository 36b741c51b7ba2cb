import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { oracle } from './sql.ts'

/** The columns of the NDJSON file, of all kinds of events. */
const eventColumns = {
  kind: 'VARCHAR',
  ...Object.fromEntries(
    [
      'auction',
      'bidder',
      'price',
      'dateTime',
      'id',
      'initialBid',
      'reserve',
      'expires',
      'seller',
      'category',
    ].map((name) => [name, 'BIGINT']),
  ),
  ...Object.fromEntries(
    [
      'channel',
      'url',
      'extra',
      'name',
      'emailAddress',
      'creditCard',
      'city',
      'state',
      'itemName',
      'description',
    ].map((name) => [name, 'VARCHAR']),
  ),
}

/** How the rows of a query differ from those of the oracle. */
export interface Verdict {
  /** Rows of the oracle. */
  readonly rows: number
  readonly missing: number
  readonly unexpected: number
  /** A few of them: `+` unexpected, `-` missing. */
  readonly samples: readonly string[]
}

/** All rows of a query in short. */
export interface Digest {
  readonly rows: number
  readonly sha256: string
}

/** DuckDB, with the events of one NDJSON file. */
export class DuckOracle {
  readonly #connection: DuckDBConnection
  readonly #instance: DuckDBInstance

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance
    this.#connection = connection
  }

  /** Opens the database beside the file, and fills it the first time. */
  static async open(ndjson: string): Promise<DuckOracle> {
    const path = `${ndjson}.duckdb`
    if (!existsSync(path)) await fill(ndjson, path)
    const instance = await DuckDBInstance.create(path, {
      access_mode: 'READ_ONLY',
      temp_directory: `${path}.tmp`,
    })
    return new DuckOracle(instance, await instance.connect())
  }

  /** The number of rows of a query, and the SHA-256 of their lines in order of their text. */
  async digest(query: string): Promise<Digest> {
    const [digest] = await this.#rows(
      `SELECT count(*) AS rows, sha256(string_agg(line, chr(10) ORDER BY line)) AS sha256 FROM (${linesOf(query)})`,
    )
    return { rows: Number(digest!['rows']), sha256: String(digest!['sha256']) }
  }

  /** Compares files of rows, one a line with `|` between its columns, with the rows of a query. */
  async compare(query: string, files: readonly string[]): Promise<Verdict> {
    const lines = `SELECT line FROM read_csv([${files.map(quoted).join(', ')}], header = false, columns = {'line': 'VARCHAR'},
      delim = '\x01', quote = '', escape = '', auto_detect = false)`
    await this.#connection.run(`
      CREATE OR REPLACE TEMP TABLE expected AS ${linesOf(query)};
      CREATE OR REPLACE TEMP TABLE difference AS
        SELECT line, sum(n)::BIGINT AS n FROM (
          SELECT line, 1 AS n FROM (${lines})
          UNION ALL SELECT line, -1 AS n FROM expected)
        GROUP BY line HAVING sum(n) <> 0`)
    const [counts] = await this.#rows(`
      SELECT (SELECT count(*) FROM expected) AS rows,
        coalesce(-sum(n) FILTER (WHERE n < 0), 0) AS missing,
        coalesce(sum(n) FILTER (WHERE n > 0), 0) AS unexpected
      FROM difference`)
    const samples = await this.#rows(`
      (SELECT line, n FROM difference WHERE n > 0 LIMIT 3)
      UNION ALL (SELECT line, n FROM difference WHERE n < 0 LIMIT 3)`)
    return {
      rows: Number(counts!['rows']),
      missing: Number(counts!['missing']),
      unexpected: Number(counts!['unexpected']),
      samples: samples.map(({ line, n }) => `${Number(n) > 0 ? '+' : '-'} ${String(line)}`),
    }
  }

  close(): void {
    this.#connection.closeSync()
    this.#instance.closeSync()
  }

  async #rows(sql: string): Promise<readonly Record<string, unknown>[]> {
    return (await this.#connection.runAndReadAll(sql)).getRowObjects()
  }
}

/** The rows of a query, one a line. */
const linesOf = (query: string): string =>
  `SELECT concat_ws('|', *COLUMNS(*)) AS line FROM (${oracle[query]!})`

/** Makes the table `events`, with the place of each event in the file. */
async function fill(ndjson: string, path: string): Promise<void> {
  const part = `${path}.part`
  await rm(part, { force: true })
  const instance = await DuckDBInstance.create(part)
  const connection = await instance.connect()
  const types = Object.entries(eventColumns).map(([name, type]) => `${quoted(name)}: ${quoted(type)}`)
  await connection.run(`
    CREATE TABLE events AS SELECT *, row_number() OVER () AS place
    FROM read_ndjson(${quoted(ndjson)}, columns = {${types.join(', ')}})`)
  connection.closeSync()
  instance.closeSync()
  await rename(part, path)
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`
