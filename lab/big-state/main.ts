/**
 * `npm run big-state`: a million and ten million keys with state on disk, in a process with a limit of memory.
 *
 * Prints the CPU time of a record with a new key and of one with a key seen before, drawn evenly from all, the highest
 * resident memory, and how long a restart takes. `--keys N` runs another number of keys, `--memory MB` sets the memory of the
 * store, `--limit MB` what the process may take at most: more makes the command fail.
 */
import { fork } from 'node:child_process'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { measureFill, measureRestart, type Fill, type Phase, type Restart } from './phases.ts'

const { values } = parseArgs({
  options: {
    keys: { type: 'string' },
    memory: { type: 'string', default: '128' },
    limit: { type: 'string', default: '512' },
  },
})
const megabyte = 1024 * 1024
const limitMb = Number(values.limit)
/** The heap of JavaScript, besides which there are the index and buffers. */
const heapMb = Math.max(64, Math.floor(limitMb * 0.6))

if (process.send === undefined) await lead()
else process.on('message', (phase) => void work(phase as Phase))

async function work(phase: Phase): Promise<void> {
  process.send!(await (phase.kind === 'fill' ? measureFill(phase) : measureRestart(phase)))
  process.disconnect()
}

async function lead(): Promise<void> {
  const sizes = values.keys === undefined ? [1_000_000, 10_000_000] : [Number(values.keys)]
  const rows: Record<string, string>[] = []
  for (const keys of sizes) rows.push(await measure(keys))
  const titles = Object.keys(rows[0]!)
  for (const row of [titles, ...rows.map((each) => titles.map((title) => each[title]!))]) {
    process.stdout.write(`${row.map((text) => text.padStart(13)).join('')}\n`)
  }
  if (rows.some((row) => row['exact'] !== 'yes' || Number(row['resident MB']) > limitMb)) process.exitCode = 1
}

async function measure(keys: number): Promise<Record<string, string>> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'millrace-big-state-'))
  const phase = { keys, directory, memoryBytes: Number(values.memory) * megabyte }
  try {
    const fill = (await inProcess({ ...phase, kind: 'fill' })) as Fill
    const bytes = await bytesIn(path.join(directory, 'state'))
    const restart = (await inProcess({ ...phase, kind: 'restart' })) as Restart
    return {
      keys: keys.toLocaleString('en'),
      'new key µs': fill.newMicros.toFixed(2),
      'known key µs': fill.knownMicros.toFixed(2),
      'resident MB': Math.ceil(Math.max(fill.residentBytes, restart.residentBytes) / megabyte).toString(),
      'state MB': Math.ceil(bytes / megabyte).toString(),
      'restart s': restart.seconds.toFixed(1),
      's per GB': ((restart.seconds * 1024 * megabyte) / bytes).toFixed(1),
      exact: fill.isExact && restart.isExact ? 'yes' : 'no',
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function inProcess(phase: Phase): Promise<unknown> {
  const child = fork(import.meta.filename, process.argv.slice(2), {
    execArgv: [...process.execArgv, `--max-old-space-size=${heapMb}`],
  })
  return new Promise((resolve, reject) => {
    child.once('message', resolve)
    child.once('exit', (code) => reject(new Error(`the process of ${phase.keys} keys ended with ${code}`)))
    child.send(phase)
  })
}

async function bytesIn(directory: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(directory)) bytes += (await stat(path.join(directory, name))).size
  return bytes
}
