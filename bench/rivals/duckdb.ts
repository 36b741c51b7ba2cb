/** The jobs as one SQL statement each in DuckDB: a batch over the whole file, which shows how far a stream could go. */
import path from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import type { BidJobName } from '../bid-jobs.ts'
import { takeTurns } from './turns.ts'

const selects: Readonly<Record<BidJobName, string>> = {
  stateless: 'select auction, price * 2 as price, bidder from bids where auction % 2 = 0',
  tumbling: `select auction, dateTime - dateTime % 10000 as start, count(*) as bids, max(price) as highest
    from bids group by all`,
  sliding: `select auction, dateTime - dateTime % 1000 - slide * 1000 as start, count(*) as bids
    from bids, range(10) as slides(slide) group by all`,
  // The number of a row is its time: bids are in order.
  running: `select auction, count(*) over earlier as bids, max(price) over earlier as highest from bids
    window earlier as (partition by auction order by dateTime rows unbounded preceding)`,
  total: 'select auction, count(*) as bids from bids group by all',
}

await takeTurns(async ({ job, parallelism, inputs, lines }) => {
  const instance = await DuckDBInstance.create(':memory:', { threads: String(parallelism) })
  const connection = await instance.connect()
  const list = inputs.map((input) => `'${input}'`).join(', ')
  const columns = "{auction: 'BIGINT', bidder: 'BIGINT', price: 'BIGINT', dateTime: 'BIGINT'}"
  const read = `read_json([${list}], format = 'newline_delimited', columns = ${columns})`
  await connection.run(
    `copy (with bids as (from ${read}) ${selects[job]}) to '${path.join(lines, 'part')}' (format json)`,
  )
  connection.closeSync()
  instance.closeSync()
})
