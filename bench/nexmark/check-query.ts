/**
 * Runs one query to the end of its input and writes its rows as lines. It is a process of its own, so that it
 * can be killed: started again with the same folder it continues from its last checkpoint.
 *
 * It prints a line for each checkpoint.
 *
 * `check-query.ts QUERY BINARY-FILE FOLDER CHECKPOINT-EVERY-MS PARALLELISM`
 */
import { argv, stdout } from 'node:process'
import { files } from '@millrace/connector-files'
import { queries } from './queries/all.ts'
import { lineOf } from './row-text.ts'
import { pipelineOf, runToEnd } from './run-query.ts'
import { readEvents } from './source.ts'

const [, , name, binary, folder, everyMs, parallelism] = argv
const query = queries[name!]!
const job = pipelineOf(query, readEvents(binary!), (rows) =>
  rows.map(lineOf(query)).to('rows', files.writeLines(`${folder}/rows.txt`)),
)
await runToEnd(job, {
  directory: `${folder}/data`,
  checkpointEveryMs: Number(everyMs),
  parallelism: Number(parallelism),
  onCheckpoint: ({ checkpoint }) => stdout.write(`${checkpoint}\n`),
})
