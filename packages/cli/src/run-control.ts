import { access } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { isMillraceError, MillraceError, type Secret } from '@millrace/core'
import { makeDurableDirectory, publishFile, removeIfThere, type Fs } from '@millrace/core/disk'
import type { Control, WatchedJob } from '@millrace/control'
import { secretFromEnvironment } from '@millrace/node'
import type { CommandLine, Option } from './command.ts'
import { controlFile, type ControlRecord } from './control-file.ts'
import type { LineFields, LogLines } from './log-lines.ts'
import { version } from './version.ts'

/** The option of `run` that starts the control API. */
export const controlOption: Option = {
  name: 'control',
  value: 'ADDRESS',
  help: 'serve the control API and the dashboard on PORT or HOST:PORT (default: off)',
}

/** The option of `run` that hides fields of live records. */
export const redactOption: Option = {
  name: 'redact',
  value: 'NAMES',
  help: 'with --control: fields that peek shows as ***, then keys too: card,email',
}

/**
 * Starts the control API if the command line asks for it. Everything is loaded only then. `waits` says what the process waits for
 * besides its jobs.
 */
export async function openControl(
  line: CommandLine,
  lines: LogLines,
  waits?: () => readonly string[],
): Promise<Control | undefined> {
  const address = line.value('control')
  if (address === undefined) return undefined
  const { host, port } = addressOf(address)
  const { startControl } = await import('@millrace/control')
  return startControl({
    host,
    port,
    version: version(),
    token: tokenIn('MILLRACE_CONTROL_TOKEN'),
    operatorToken: tokenIn('MILLRACE_CONTROL_OPERATOR_TOKEN'),
    viewerToken: tokenIn('MILLRACE_CONTROL_VIEWER_TOKEN'),
    peekFrom: peekFrom(process.env['MILLRACE_CONTROL_PEEK']),
    redact: namesIn(line.values(redactOption.name)),
    dashboard: await dashboardDirectory(lines),
    waits,
  })
}

/** Names that are separated by commas; the option may be repeated. */
function namesIn(values: readonly string[]): readonly string[] {
  return values.flatMap((value) => {
    const names = value.split(',').map((name) => name.trim())
    if (!names.includes('')) return names
    throw new MillraceError('OPTION_INVALID', `--redact is ${value}. Give names of fields, as card,email`)
  })
}

function tokenIn(variable: string): Secret | undefined {
  return process.env[variable] ? secretFromEnvironment(variable) : undefined
}

/** The least role that may see live records. */
function peekFrom(given: string | undefined): 'viewer' | 'operator' | 'admin' | undefined {
  if (given === undefined || given === '') return undefined
  const role = (['viewer', 'operator', 'admin'] as const).find((each) => each === given)
  if (role !== undefined) return role
  throw new MillraceError(
    'OPTION_INVALID',
    `MILLRACE_CONTROL_PEEK is ${given}. Give viewer, operator or admin: the least role that may see live records`,
  )
}

/** Writes a line for each action that was asked for: who asked, for what, and what came of it. The event log ends with the process. */
export function logActions({ happenings }: WatchedJob, lines: LogLines, fields: LineFields = {}): void {
  happenings.listeners.add((_, row) => {
    if (!('kind' in row) || (row.kind !== 'action' && row.kind !== 'actionFailed')) return
    const { kind, level, text, by, asked } = row
    lines.write(level, kind, `${by} asked for ${asked}: ${text}`, { by, asked, ...fields })
  })
}

/** Writes the address of the API into the data directory; the result removes it. */
export async function recordControl(fs: Fs, directory: string, { url }: Control): Promise<AsyncDisposable> {
  const record: ControlRecord = { url }
  await makeDurableDirectory(fs, directory)
  await publishFile(fs, directory, controlFile, new TextEncoder().encode(`${JSON.stringify(record)}\n`))
  return { [Symbol.asyncDispose]: () => removeIfThere(fs, `${directory}/${controlFile}`) }
}

const addressForm = /^(?:(?<host>\[[0-9a-f:.]+\]|[A-Za-z0-9._-]+):)?(?<port>\d{1,5})$/i

function addressOf(given: string): { readonly host: string | undefined; readonly port: number } {
  const { host, port } = addressForm.exec(given)?.groups ?? {}
  if (port === undefined || Number(port) > 65_535) {
    throw new MillraceError(
      'OPTION_INVALID',
      `--control is ${given}. Give PORT or HOST:PORT, as 9090 or 127.0.0.1:9090`,
    )
  }
  return { host: host?.replaceAll(/[[\]]/g, ''), port: Number(port) }
}

/** The files of the dashboard, if its package is installed and has them. */
async function dashboardDirectory(lines: LogLines): Promise<string | undefined> {
  const name = '@millrace/dashboard'
  try {
    const { pageDirectory } = (await import(name)) as { readonly pageDirectory: URL }
    return await pageIn(fileURLToPath(pageDirectory), lines)
  } catch (error) {
    if (isMillraceError(error) || (error as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND')
      return undefined
    throw error
  }
}

/** The directory of the page if it has one; otherwise undefined, and a warning says what is missing: the API works without it. */
export async function pageIn(directory: string, lines: LogLines): Promise<string | undefined> {
  const index = path.join(directory, 'index.html')
  const isThere = await access(index).then(
    () => true,
    () => false,
  )
  if (isThere) return directory
  const text = `the dashboard is not served, because its page is missing (${index}); the control API works without it. Install @millrace/dashboard again, or in a clone of the repository run: npm run build`
  lines.write('warning', 'warning', text)
  return undefined
}
