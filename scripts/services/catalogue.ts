import net from 'node:net'

/** A server that tests can ask for. */
export interface Service {
  readonly name: string
  /** An address in this environment variable is used instead of starting a server. */
  readonly variable: string
  /** The program, and the Debian packages that have it and its libraries. */
  readonly program: string
  readonly packages: readonly string[]
  /** What it is started with: it must keep its data in `directory` and listen on loopback only. */
  arguments(port: number, directory: string): readonly string[]
  url(port: number): string
  /** Resolves to whether the server at this port answers. */
  answers(port: number): Promise<boolean>
}

export const services = {
  redis: {
    name: 'redis',
    variable: 'MILLRACE_REDIS_URL',
    program: 'redis-server',
    packages: ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1'],
    // Each write is synced before it is answered, so that a test may kill the server.
    arguments: (port, directory) => [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      directory,
      '--appendonly',
      'yes',
      '--appendfsync',
      'always',
      '--save',
      '',
    ],
    url: (port) => `redis://127.0.0.1:${port}`,
    answers: async (port) => (await ask(port, 'PING\r\n')).startsWith('+PONG'),
  },
} as const satisfies Readonly<Record<string, Service>>

export type ServiceName = keyof typeof services

/** Sends a line to a port of this machine and resolves to what comes back first; '' if nothing does. */
function ask(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(text))
    const settle = (answer: string): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(1_000, () => settle(''))
    socket.once('data', (data) => settle(data.toString('latin1')))
    socket.once('error', () => settle(''))
    socket.once('close', () => settle(''))
  })
}
