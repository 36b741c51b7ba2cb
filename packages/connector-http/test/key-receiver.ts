import type { IncomingMessage, ServerResponse } from 'node:http'

/** A receiver that honours the `Idempotency-Key`: what comes again with its key is not accepted again. */
export class KeyReceiver<T> {
  readonly #bodies = new Map<string, string>()
  readonly accepted: T[] = []
  repeated = 0
  /** How often a key came with another body: what it belongs to is lost then. */
  conflicts = 0

  readonly listener = (request: IncomingMessage, response: ServerResponse): void => {
    void this.#take(request).then(
      () => response.writeHead(204).end(),
      () => response.destroy(),
    )
  }

  async #take(request: IncomingMessage): Promise<void> {
    const key = String(request.headers['idempotency-key'])
    const body = await bodyOf(request)
    const known = this.#bodies.get(key)
    if (known === undefined) {
      const records = JSON.parse(body) as T | T[]
      this.accepted.push(...(Array.isArray(records) ? records : [records]))
      this.#bodies.set(key, body)
    } else {
      this.repeated++
      if (known !== body) this.conflicts++
    }
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
