import { spawn, type ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(import.meta.dirname, '../../..')
/** The program behind the command. */
export const launcher = path.join(root, 'packages/millrace/bin/millrace.js')

/** How a command exited: with a code or by a signal. */
export interface Ended {
  readonly code: number | string | null
  readonly out: string
  readonly err: string
}

/** The `millrace` command in its own process, as built last. */
export class Command {
  readonly ended: Promise<Ended>
  readonly #child: ChildProcess
  #out = ''
  #err = ''
  readonly #news = new EventEmitter()

  /** `nodeOptions` are options of Node itself. */
  constructor(args: readonly string[], directory: string = root, nodeOptions: readonly string[] = []) {
    this.#child = spawn(process.execPath, [...nodeOptions, launcher, ...args], { cwd: directory })
    this.#child.stdout!.on('data', (text: Buffer) => {
      this.#out += text.toString()
      this.#news.emit('news')
    })
    this.#child.stderr!.on('data', (text: Buffer) => {
      this.#err += text.toString()
      this.#news.emit('news')
    })
    this.ended = new Promise((resolve) => {
      this.#child.on('close', (code, signal) => {
        resolve({ code: code ?? signal, out: this.#out, err: this.#err })
        this.#news.emit('news')
      })
    })
  }

  /** What it has printed so far. */
  get said(): string {
    return this.#out + this.#err
  }

  /** The id of its process. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Writes text to its standard input and closes it. */
  write(text: string): void {
    this.#child.stdin!.end(text)
  }

  /** Closes the reading end of its output: its next write fails with a broken pipe. */
  closeOutputs(): void {
    this.#child.stdout!.destroy()
    this.#child.stderr!.destroy()
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Resolves once the output matches; rejects if the command exits without that. */
  async says(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#out + this.#err)) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`it exited without printing ${String(pattern)}: ${this.#out}${this.#err}`)
      }
      await once(this.#news, 'news')
    }
  }
}

/** Runs the command to its end. */
export function millrace(args: readonly string[], directory?: string): Promise<Ended> {
  return new Command(args, directory).ended
}

/** The path of a pipeline in the folder of these tests. */
export function pipelineFile(name: string): string {
  return fileURLToPath(new URL(`pipelines/${name}`, import.meta.url))
}

/** A new directory for the files of a test. */
export function scratch(): Promise<string> {
  return mkdtemp(path.join(os.tmpdir(), 'millrace-test-'))
}

/** A new directory with these files, in which the packages of the workspace are installed. */
export async function project(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await scratch()
  await symlink(path.join(root, 'node_modules'), path.join(directory, 'node_modules'))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(directory, name)), { recursive: true })
    await writeFile(path.join(directory, name), text)
  }
  return directory
}
