import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { answering } from './queries.ts'

const launcher = path.resolve(import.meta.dirname, '../../packages/millrace/bin/millrace.js')

/** The job that is asked: killed and started again at the same address, with any parallelism. */
export class CountingJob {
  readonly url: string
  readonly #directory: string
  readonly #port: number
  readonly #before: readonly string[]
  #process: ChildProcess | undefined

  private constructor(directory: string, port: number, before: readonly string[]) {
    this.#directory = directory
    this.#port = port
    this.#before = before
    this.url = `http://127.0.0.1:${port}`
  }

  /** `before` precedes its command line, as `taskset` does. */
  static async make(before: readonly string[] = []): Promise<CountingJob> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    server.close()
    return new CountingJob(await mkdtemp(path.join(tmpdir(), 'millrace-queries-')), port, before)
  }

  get pid(): number {
    return this.#process!.pid!
  }

  /** Starts it, and resolves once it answers. */
  async start(...options: readonly string[]): Promise<void> {
    const [program, ...args] = [
      ...this.#before,
      process.execPath,
      launcher,
      'run',
      path.join(import.meta.dirname, 'pipeline.ts'),
      `--data-dir=${this.#directory}/data`,
      `--control=${this.#port}`,
      ...options,
    ]
    const started = spawn(program!, args, { stdio: 'ignore' })
    this.#process = started
    await answering(this.url, () => started.exitCode !== null)
  }

  async kill(): Promise<void> {
    const killed = this.#process
    if (killed === undefined) return
    this.#process = undefined
    killed.kill('SIGKILL')
    await once(killed, 'exit')
  }

  async remove(): Promise<void> {
    await this.kill()
    await rm(this.#directory, { recursive: true, force: true })
  }
}
