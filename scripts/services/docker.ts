/**
 * A Docker daemon for tests: `const docker = await dockerDaemon()`.
 *
 * It has a network, a file tree for its sockets and process numbers of its own, so that nothing of the machine is changed and
 * nothing is left: it dies with the process that has started it. It needs the rights of root, and reaches no registry of
 * images: `nodeImage` makes the one that the files of `deploy` begin with.
 */
import { execFile, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { programOf } from './program.ts'

const run = promisify(execFile)

/** A daemon that runs. */
export interface DockerDaemon {
  /** The environment in which `docker` speaks to this daemon. */
  readonly env: NodeJS.ProcessEnv
  /** What precedes a command that runs in the daemon's network. */
  readonly inNetwork: readonly string[]
  /** The address by which containers reach what runs there. */
  readonly gateway: string
  stop(): Promise<void>
}

/** A daemon, or why there is none. */
export type DockerOutcome = DockerDaemon | { readonly missing: string }

const namespaces = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc']

/** What the daemon is started by: files that it would write outside of its directory are its own. */
const script = `set -e
mount -t tmpfs none /run
cp --archive /etc/. "$0"
mount --bind "$0" /etc
ip link set lo up
exec "$@"`

/**
 * Starts a daemon, or says why it cannot. A machine that does not permit it (no root, no namespaces) is skipped, in CI as
 * well; anything else that goes wrong there (`CI=true`) is thrown.
 */
export async function dockerDaemon(): Promise<DockerOutcome> {
  try {
    await run('unshare', [...namespaces, 'mount', '-t', 'tmpfs', 'none', '/run'])
  } catch (error) {
    return missing('this machine does not let a process have namespaces of its own', error)
  }
  try {
    return await start()
  } catch (error) {
    if (process.env['CI'] === 'true') throw error
    return missing('the daemon cannot be started', error)
  }
}

function missing(what: string, error: unknown): DockerOutcome {
  const reason = `${what}: ${error instanceof Error ? error.message.trim() : String(error)}`
  process.stderr.write(`skipped: ${reason}\n`)
  return { missing: reason }
}

async function start(): Promise<DockerDaemon> {
  const { file, libraries } = await programOf({
    name: 'docker',
    program: 'dockerd',
    packages: ['docker.io', 'iptables', 'iproute2'],
    withDependencies: true,
  })
  const directory = await mkdtemp(path.join(tmpdir(), 'millrace-docker-'))
  const socket = `unix://${directory}/docker.sock`
  const env = { ...(await pathFor(file, directory)), LD_LIBRARY_PATH: libraries, DOCKER_HOST: socket }
  const etc = `${directory}/etc`
  await mkdir(etc)
  await writeFile(`${directory}/daemon.json`, '{}')
  const daemon = [
    file,
    `--data-root=${directory}/data`,
    `--exec-root=${directory}/exec`,
    `--pidfile=${directory}/pid`,
    `--config-file=${directory}/daemon.json`,
    `--cgroup-parent=${path.basename(directory)}`,
    `--host=${socket}`,
  ]
  // The shell kills everything when its own input ends, as it does when the process that started it is gone.
  const guard = '"$@" & echo $!; cat > /dev/null; kill -9 $!'
  const shell = spawn(
    'sh',
    ['-c', guard, 'sh', 'unshare', ...namespaces, 'sh', '-c', script, etc, ...daemon],
    {
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  )
  shell.stderr.pipe(createWriteStream(`${directory}/log`))
  const pid = await new Promise<string>((resolve) => {
    shell.stdout.once('data', (text: Buffer) => resolve(text.toString().trim()))
  })
  const stop = async (): Promise<void> => {
    const gone = new Promise((resolve) => shell.once('exit', resolve))
    shell.stdin.end()
    await gone
    await removeGroups(path.basename(directory))
    await rm(directory, { recursive: true, force: true, maxRetries: 10 })
  }
  for (let tries = 0; tries < 600; tries++) {
    if (await answers(env)) {
      const inNetwork = ['nsenter', '--target', pid, '--net']
      return { env, inNetwork, gateway: '172.17.0.1', stop }
    }
    if (shell.exitCode !== null) break
    await delay(100)
  }
  const log = await readFile(`${directory}/log`, 'utf8')
  await stop()
  throw new Error(`it does not answer: ${log.trim().split('\n').slice(-3).join(' ')}`)
}

/** Removes the control groups of its containers, which outlive them. */
async function removeGroups(name: string): Promise<void> {
  const groups = ['/sys/fs/cgroup', '-maxdepth', '3', '-depth', '-type', 'd', '-path', `*/${name}*`]
  await run('find', [...groups, '-exec', 'rmdir', '{}', ';']).catch(() => {})
}

async function answers(env: NodeJS.ProcessEnv): Promise<boolean> {
  return run('docker', ['version'], { env }).then(
    () => true,
    () => false,
  )
}

/** The path on which the daemon finds its helpers; Debian links `iptables` only when it installs a package. */
async function pathFor(file: string, directory: string): Promise<NodeJS.ProcessEnv> {
  const root = path.resolve(path.dirname(file), '../..')
  const isInstalled = root === '/'
  if (isInstalled) return { ...process.env }
  const links = path.join(directory, 'bin')
  await mkdir(links)
  for (const name of ['iptables', 'ip6tables'])
    await symlink(path.join(root, 'usr/sbin/xtables-nft-multi'), path.join(links, name))
  const extensions = (process.arch === 'arm64' ? 'aarch64' : 'x86_64') + '-linux-gnu'
  return {
    ...process.env,
    PATH: [links, `${root}/usr/sbin`, `${root}/usr/bin`, process.env['PATH']].join(path.delimiter),
    XTABLES_LIBDIR: path.join(root, 'usr/lib', extensions, 'xtables'),
  }
}
