import { Agent, request } from 'node:http'
import { keys, type Kept } from './pipeline.ts'

/** What the answers were. */
export interface Tally {
  answers: number
  /** 409: the job starts, restarts or stops. */
  unready: number
  /** No connection: the process is not there. */
  unreachable: number
  serverErrors: number
  readonly wrong: string[]
}

interface Answer {
  readonly code: number
  readonly body: { readonly entries: readonly { readonly key: number; readonly value: Kept }[] }
}

const agent = new Agent({ keepAlive: true, maxSockets: 16 })

/** Undefined if the server is not there. */
function ask(url: string): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const sent = request(url, { agent }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => (text += part))
      response.on('end', () =>
        resolve({ code: response.statusCode!, body: JSON.parse(text) as Answer['body'] }),
      )
      response.on('error', () => resolve(undefined))
    })
    sent.on('error', () => resolve(undefined))
    sent.end()
  })
}

/** Asks for keys, one request after another in each of some connections, until `isOver`. Calls `answered` for each answer. */
export async function query(
  base: () => string,
  isOver: () => boolean,
  connections = 8,
  answered: () => void = () => {},
): Promise<Tally> {
  const tally: Tally = { answers: 0, unready: 0, unreachable: 0, serverErrors: 0, wrong: [] }
  const loop = async (first: number): Promise<void> => {
    for (let at = first; !isOver(); at++) {
      const key = at % keys
      const answer = await ask(`${base()}/api/jobs/counted/state/count/${key}?keyType=json&values=exact`)
      if (answer === undefined) {
        tally.unreachable++
        await new Promise((resolve) => setTimeout(resolve, 10))
      } else if (answer.code === 409) tally.unready++
      else if (answer.code >= 500) tally.serverErrors++
      else {
        check(tally, key, answer)
        answered()
      }
    }
  }
  await Promise.all(Array.from({ length: connections }, (_, n) => loop(n * 13)))
  return tally
}

function check(tally: Tally, key: number, { code, body }: Answer): void {
  tally.answers++
  const entry = code === 200 ? body.entries[0] : undefined
  // Before its first record a key has no state.
  if (code === 200 && entry === undefined) return
  if (code === 200 && entry!.value.newest === key + (entry!.value.n - 1) * keys) return
  tally.wrong.push(`key ${key}: ${code} ${JSON.stringify(body)}`)
}

/**
 * Reads everything as of the newest checkpoint, which is one cut through the input: what is wrong with it, or how many records it
 * has. Undefined where there is no answer.
 */
export async function wrongCut(base: string): Promise<string | number | undefined> {
  const answer = await ask(`${base}/api/jobs/counted/state/count?read=checkpoint&limit=1000&values=exact`)
  if (answer?.code !== 200) return undefined
  const counts = new Map(answer.body.entries.map(({ key, value }) => [key, value.n]))
  const total = [...counts.values()].reduce((sum, n) => sum + n, 0)
  for (let key = 0; key < keys; key++) {
    const expected = Math.floor((total - key + keys - 1) / keys)
    if ((counts.get(key) ?? 0) !== expected)
      return `${total} records: key ${key} has ${counts.get(key) ?? 0}, not ${expected}`
  }
  return total
}

/** Resolves once the job answers. Rejects when its process has ended. */
export async function answering(base: string, hasEnded: () => boolean): Promise<void> {
  while ((await ask(`${base}/readyz`))?.code !== 200) {
    if (hasEnded()) throw new Error('the job has ended')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
