import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { listen, type Listening } from './node-server.ts'

let server: Listening | undefined

afterEach(async () => server?.close())

/** What the server answers to a client that sends a part of a request and then nothing, until it closes the connection. */
async function answerTo(part: string): Promise<string> {
  server = await listen(async (request) => new Response(await request.text()), '127.0.0.1', 0, {
    headersMs: 40,
    requestMs: 80,
    checkMs: 10,
  })
  const { port } = server
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(part))
    let text = ''
    socket.on('data', (data) => (text += String(data)))
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
}

describe('a client that does not end its request', () => {
  test.each([
    ['the first line', 'GET /api HT'],
    ['the headers', 'GET /api HTTP/1.1\r\nHost: a\r\nX-Slow: '],
    ['the body', 'POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{"ac'],
  ])('is cut in %s, long before Node would look by itself', { timeout: 15_000 }, async (_, part) => {
    expect(await answerTo(part)).toMatch(/^HTTP\/1\.1 408 /)
  })
})
