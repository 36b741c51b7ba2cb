import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { makeCertificates } from './certificates.ts'
import type { Place } from './definition.ts'

/** The ports of a broker. */
export function rabbitPorts([plain, tls, nodes, names]: readonly number[]): RabbitPorts {
  return { plain: plain!, tls: tls!, nodes: nodes!, names: names! }
}

export interface RabbitPorts {
  readonly plain: number
  readonly tls: number
  /** Where it can be asked to evaluate Erlang, and where its name is found. */
  readonly nodes: number
  readonly names: number
}

const erlang =
  'base asn1 crypto eldap ftp inets mnesia os-mon parsetools public-key runtime-tools snmp ssl syntax-tools tftp tools xmerl'

export const rabbitPackages: readonly string[] = [
  'rabbitmq-server',
  ...erlang.split(' ').map((name) => `erlang-${name}`),
]

/**
 * Starts the broker beside an Erlang name server of its own, which ends with it: the broker holds a pipe open, and the name
 * server is killed when nothing can come out of it any longer. Everything is in one directory, so nothing is shared with
 * another broker of this machine.
 */
export const rabbitScript = `
root=\${1%/usr/*sbin/rabbitmq-server}
directory=$2 plain=$3 nodes=$4 names=$5
export ROOTDIR="$root/usr/lib/erlang" HOME="$directory" EMU=beam PROGNAME=erl
export BINDIR="$(echo "$ROOTDIR"/erts-*/bin)"
export PATH="$BINDIR:$PATH"
export RABBITMQ_HOME="$(echo "$root"/usr/lib/rabbitmq/lib/rabbitmq_server-*)"
export RABBITMQ_NODENAME="millrace-$plain@localhost" RABBITMQ_DIST_PORT="$nodes"
export RABBITMQ_MNESIA_BASE="$directory/mnesia" RABBITMQ_LOG_BASE="$directory/log" RABBITMQ_LOGS=-
export RABBITMQ_CONFIG_FILE="$directory/rabbitmq.conf" RABBITMQ_ADVANCED_CONFIG_FILE="$directory/none"
export RABBITMQ_CONF_ENV_FILE="$directory/none" RABBITMQ_ENABLED_PLUGINS_FILE="$directory/plugins"
export RABBITMQ_PLUGINS_DIR="$RABBITMQ_HOME/plugins" ERL_LIBS="$RABBITMQ_HOME/plugins"
export ERL_EPMD_PORT="$names" ERL_EPMD_ADDRESS=127.0.0.1 ERL_MAX_ETS_TABLES=50000
export ERL_CRASH_DUMP="$directory/crash" ERL_CRASH_DUMP_BYTES=0
alive="$directory/alive"
[ -p "$alive" ] || mkfifo "$alive"
# The name server of a broker that was killed may still be there.
while epmd -names > /dev/null 2>&1; do sleep 0.05; done
(epmd & names=$!; cat "$alive" > /dev/null; kill -9 $names) &
exec 9> "$alive"
exec erlexec -noinput -s rabbit boot -boot start_sasl +W w +S 1:1 +sbwt none \\
  -kernel prevent_overlapping_partitions false -rabbit channel_tick_interval 200
`

export function rabbitArguments({ ports, directory }: Place): readonly string[] {
  const { plain, nodes, names } = rabbitPorts(ports)
  return [directory, ...[plain, nodes, names].map(String)]
}

/** Makes certificates, and writes what the broker reads at its start. */
export async function prepareRabbit({ directory, ports }: Place): Promise<void> {
  await makeCertificates(directory, 'broker')
  const { plain, tls } = rabbitPorts(ports)
  const lines = {
    'listeners.tcp.local': `127.0.0.1:${plain}`,
    'listeners.ssl.local': `127.0.0.1:${tls}`,
    'ssl_options.cacertfile': path.join(directory, 'authority.pem'),
    'ssl_options.certfile': path.join(directory, 'broker.crt'),
    'ssl_options.keyfile': path.join(directory, 'broker.key'),
    'ssl_options.verify': 'verify_none',
    'disk_free_limit.absolute': '10MB',
  }
  const text = Object.entries(lines).map(([name, value]) => `${name} = ${value}\n`)
  await writeFile(path.join(directory, 'rabbitmq.conf'), text.join(''))
}
