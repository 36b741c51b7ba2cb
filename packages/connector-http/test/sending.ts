import type { SinkWriter } from '@millrace/core/connector'
import type { HttpRequest } from '../src/client/http-door.ts'
import { sendPlanOf, type SendOptions } from '../src/send/send-options.ts'
import { SendSink } from '../src/send/send-sink.ts'
import { batchOf, memoryContext, memoryDoor, type MemoryServer } from './memory-web.ts'

export const url = 'https://hooks.example/services/T0KEN-0F-A-WEBHOOK'

/** A record of these tests. */
export interface SentRecord {
  readonly id: number
  readonly key?: string
}

export function textOf({ body }: HttpRequest): string {
  return new TextDecoder().decode(body)
}

export function sinkTo(
  server: MemoryServer,
  options: Partial<SendOptions<SentRecord>> = {},
): SendSink<SentRecord> {
  return new SendSink(sendPlanOf({ url, ...options }), memoryDoor(server))
}

/** A writer, the requests that came, and what was rejected. */
export async function writing(server: MemoryServer, options: Partial<SendOptions<SentRecord>> = {}) {
  const requests: HttpRequest[] = []
  const rejected: [index: number, error: unknown][] = []
  const { context, ...world } = memoryContext()
  const recording: MemoryServer = (request) => {
    requests.push(request)
    return server(request)
  }
  const writer: SinkWriter<SentRecord, never> = await sinkTo(recording, options).open(0, [], context)
  const write = (records: readonly SentRecord[], firstPlace?: number): Promise<void> | void =>
    writer.write(batchOf(records, firstPlace), (index, error) => void rejected.push([index, error]))
  return { ...world, requests, rejected, write, writer }
}

export function keysOf(requests: readonly HttpRequest[]): (string | undefined)[] {
  return requests.map(({ headers }) => headers['idempotency-key'])
}
