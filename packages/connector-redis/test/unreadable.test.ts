import { once } from 'node:events'
import net from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { clientOf } from '../src/connection.ts'

/** A server that sends `answers` one after another for its first `PING`, each on a connection of its own, and then `+PONG`. */
async function serverWith(answers: readonly string[]): Promise<URL> {
  const left = [...answers]
  const server = net.createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      // Each command begins with the number of its parts, and the length of its name.
      for (const [, command] of bytes.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g)) {
        if (command!.toLowerCase() === 'ping') socket.write(left.shift() ?? '+PONG\r\n')
        else if (command!.toLowerCase() === 'info') socket.write('$19\r\nredis_version:7.0.0\r\n')
        else socket.write('+OK\r\n')
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return new URL(`redis://127.0.0.1:${(server.address() as net.AddressInfo).port}`)
}

test.each([
  ['a type that is none', '\u00df\u00df\r\n'],
  ['a list that cannot be so long', '*99999999999\r\n'],
  ['an empty list that nothing has asked for', '*-1\r\n*-1\r\n*-1\r\n'],
  ['an answer that nothing has asked for', '+PONG\r\n+PONG\r\n'],
])('a command is sent again over another connection after %s', async (_what, answer) => {
  const client = clientOf('test', await serverWith([answer, answer]), {}, () => 1)
  onTestFinished(() => client.disconnect())
  const errors: unknown[] = []
  client.on('error', (error) => errors.push(error))
  for (let n = 0; n < 3; n++) await client.ping()
  expect(await client.ping()).toBe('PONG')
  expect(errors.length).toBeGreaterThan(0)
})
