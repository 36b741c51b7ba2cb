import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { services } from './catalogue.ts'
import { rabbitPorts } from './rabbitmq.ts'
import { programOf } from './program.ts'

const run = promisify(execFile)

/** Evaluates a call in a running broker: `askRabbit(server, 'rabbit_alarm get_alarms')`. */
export async function askRabbit(
  { directory, ports }: { readonly directory: string; readonly ports: readonly number[] },
  call: string,
): Promise<string> {
  const { plain, names } = rabbitPorts(ports)
  const { file, libraries } = await programOf(services.rabbitmq)
  const root = file.replace(/\/usr\/.*sbin\/rabbitmq-server$/, '')
  const script = 'exec "$0"/usr/lib/erlang/lib/erl_interface-*/bin/erl_call "$@"'
  const args = ['-n', `millrace-${plain}@localhost`, '-a', call]
  const env = { ...process.env, HOME: directory, ERL_EPMD_PORT: String(names), LD_LIBRARY_PATH: libraries }
  const { stdout } = await run('sh', ['-c', script, root, ...args], { env })
  return stdout
}
