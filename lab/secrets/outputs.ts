import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import { inspect } from 'node:util'
import { pathOf, routes, type WatchedJob } from '@millrace/control'
import { describeError } from '@millrace/core'
import { explain, explanationMermaid, explanationText, type Graph } from '@millrace/core/graph'
import { marker } from './planted.ts'

/** Everything that a program prints of a value. */
export const printed = (value: unknown): string =>
  [
    inspect(value, { depth: Infinity, showHidden: true, getters: true, maxArrayLength: null }),
    jsonOf(value),
  ].join('\n')

function jsonOf(value: unknown): string {
  const seen = new Set<unknown>()
  const plain = (_name: string, part: unknown): unknown => {
    if (typeof part === 'bigint') return String(part)
    if (typeof part !== 'object' || part === null) return part
    if (seen.has(part)) return null
    seen.add(part)
    return part
  }
  return JSON.stringify(value, plain) ?? ''
}

/** What `millrace explain` prints of a graph, in every format, and what a dump of the graph prints. */
export function explained(graph: Graph): Readonly<Record<string, string>> {
  const explanation = explain(graph)
  return {
    'a dump of the graph': printed(graph),
    'explain as text': explanationText(explanation),
    'explain as JSON': JSON.stringify(explanation),
    'explain as Mermaid': explanationMermaid(explanation),
  }
}

/** All answers of the control API about a job. */
export async function answers(
  url: string,
  job: string,
  token: string,
): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {}
  const parts = { job, operator: 'in', id: '1', key: '"a"' }
  for (const route of Object.keys(routes) as (keyof typeof routes)[]) {
    // Some never end; a profile takes seconds, and has names of functions only.
    if (['stream', 'watch', 'profile'].includes(route)) continue
    for (const authorization of ['Bearer unknown', `Bearer ${token}`]) {
      const answer = await fetch(url + pathOf(route, parts), { headers: { authorization } })
      found[`${route}, ${answer.status}`] = printed(await answer.text())
    }
  }
  return found
}

/** What the job itself says. */
export function reported({ job, happenings }: WatchedJob, error: unknown): Readonly<Record<string, string>> {
  return {
    'the status': printed(job.status()),
    'the samples': printed(job.samples()),
    'the events': printed(happenings),
    'the error': printed(error),
    'the description of the error': describeError(error),
  }
}

/** The content of every file of a directory. */
export async function filesIn(directory: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [file, await readFile(file, 'latin1')] as const)),
  )
}

/** The marker as it is, and in base64 at each of three places. */
const forms = [
  marker,
  ...[0, 1, 2].map((before) => {
    const text = Buffer.from('x'.repeat(before) + marker).toString('base64')
    return text.slice(before === 0 ? 0 : 4, -4)
  }),
]

/** The outputs that have the marker, with what is around it. */
export function leaks(outputs: Readonly<Record<string, string>>): string[] {
  return Object.entries(outputs).flatMap(([name, text]) => {
    const at = Math.max(...forms.map((form) => text.indexOf(form)))
    return at === -1 ? [] : [`${name}: ${text.slice(Math.max(0, at - 60), at + 40)}`]
  })
}

/** A server that sends back whatever it gets, and then closes: an answer that no client expects, with the secret in it. */
export class EchoServer {
  readonly #server = net.createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (bytes) => socket.end(bytes))
  })

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `127.0.0.1:${(this.#server.address() as net.AddressInfo).port}`
  }

  close(): void {
    this.#server.close()
  }
}
