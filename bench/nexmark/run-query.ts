import { files } from '@millrace/connector-files'
import type { Source } from '@millrace/core/connector'
import { startJob, type CheckpointFigures } from '@millrace/core/job'
import { pipeline, type Pipeline, type TimedStream } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import type { NexmarkEvent } from './events.ts'
import type { Input } from './input.ts'
import { outOfOrder, type Query, type Row } from './queries/query.ts'
import { readEvents } from './source.ts'

/** Which of the files is read. */
export type Format = 'binary' | 'ndjson'

/** The source of the events. */
export function sourceOf(input: Input, format: Format): Source<NexmarkEvent> {
  if (format === 'ndjson') return files.readNdjson<NexmarkEvent>(input.ndjson)
  return readEvents(input.binary)
}

/** A query as a pipeline that reads `source`; `end` gives its rows to a sink. */
export function pipelineOf(
  query: Query,
  source: Source<NexmarkEvent>,
  end: (rows: TimedStream<Row>) => void,
): Pipeline {
  return pipeline('nexmark', (p) => {
    const events = p
      .from('events', source)
      .withTimestamps({ timestamp: ({ dateTime }) => dateTime, maxOutOfOrderness: outOfOrder })
    end(query.build(events))
  })
}

/** How a pipeline is run. */
export interface RunOptions {
  /** The data directory: a job continues from the checkpoints that are there. */
  readonly directory: string
  /** Default 1,000. */
  readonly checkpointEveryMs?: number
  readonly parallelism?: number
  readonly onCheckpoint?: (figures: CheckpointFigures) => void
}

/** Runs a pipeline to the end of its input. Rejects if it fails. */
export async function runToEnd(runnable: Pipeline, options: RunOptions): Promise<void> {
  const { directory, checkpointEveryMs = 1_000, parallelism = 1, onCheckpoint } = options
  const job = startJob({
    graph: runnable.describe().graph,
    platform: nodePlatform(),
    store: memoryStore(),
    directory,
    parallelism,
    isBounded: true,
    checkpoints: { everyMs: checkpointEveryMs },
    observer: (event) => {
      if (event.kind === 'checkpointCompleted') onCheckpoint?.(event.figures)
    },
  })
  const result = await job.ended
  if (result.outcome === 'failed') throw result.error
}
