import type { PeekEnd, PeekProgress, PeekRecord } from '@millrace/control/contract'
import { addressOf, ApiFailure, failureOf, type Parts, type Query } from './api.ts'

/** What the records of an operator are handed to. */
export interface RecordsListener {
  readonly onRecord: (record: PeekRecord) => void
  readonly onProgress: (progress: PeekProgress | PeekEnd) => void
  /** Called once when no more come, unless `signal` has ended it; with a failure if the server has refused. */
  readonly onEnd: (failure: ApiFailure | undefined) => void
}

/** Follows the records that an operator emits, until they end or `signal` ends it. An `EventSource` would not say why it is refused. */
export async function followRecords(
  parts: Parts,
  query: Query,
  listener: RecordsListener,
  signal: AbortSignal,
): Promise<void> {
  let failure: ApiFailure | undefined
  try {
    const address = addressOf('peek', parts, query)
    const response = await fetch(address, { credentials: 'same-origin', cache: 'no-store', signal })
    if (!response.ok) throw await failureOf(response)
    await readEvents(response.body!, listener)
  } catch (error) {
    if (signal.aborted) return
    failure =
      error instanceof ApiFailure
        ? error
        : new ApiFailure(0, { code: 'UNREACHABLE', message: 'The job does not answer.', docs: null })
  }
  if (!signal.aborted) listener.onEnd(failure)
}

async function readEvents(body: ReadableStream<Uint8Array>, listener: RecordsListener): Promise<void> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const blocks = (rest + value).split('\n\n')
    rest = blocks.pop()!
    for (const block of blocks) {
      const [, event, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? []
      if (event === 'record') listener.onRecord(JSON.parse(data!) as PeekRecord)
      else if (event !== undefined) listener.onProgress(JSON.parse(data!) as PeekProgress | PeekEnd)
    }
  }
}
