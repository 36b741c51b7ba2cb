import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { DockerDaemon } from './docker.ts'

/** A registry of npm that runs. */
export interface NpmRegistry {
  readonly url: string
  stop(): void
}

const port = 4873

/** Starts a registry of npm with the packages of a directory, where the containers of a daemon reach it. */
export async function npmRegistry(
  { inNetwork, gateway }: DockerDaemon,
  directory: string,
): Promise<NpmRegistry> {
  const program = fileURLToPath(new URL('npm-registry-server.ts', import.meta.url))
  const node = [process.execPath, '--import', 'tsx', program, directory, gateway, String(port)]
  const [command, ...before] = inNetwork
  const server = spawn(command!, [...before, ...node], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise<void>((resolve, reject) => {
    server.stdout.once('data', () => resolve())
    server.once('exit', (code) => reject(new Error(`the registry of npm has ended with ${code}`)))
  })
  return { url: `http://${gateway}:${port}`, stop: () => void server.kill('SIGKILL') }
}
