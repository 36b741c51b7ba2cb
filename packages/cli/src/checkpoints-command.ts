import { MillraceError } from '@millrace/core'
import type { Manifest } from '@millrace/core/job'
import { nodePlatform } from '@millrace/node'
import { reportCheckpoints, type CheckpointReport } from './checkpoint-report.ts'
import type { CommandLine, Command } from './command.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import type { Outputs } from './outputs.ts'
import { partText } from './part-text.ts'
import { printable } from './printable.ts'
import { bytesText, dateText } from './status-text.ts'

/** `millrace checkpoints`: lists the checkpoints of a data directory and checks them. */
export const checkpointsCommand: Command = {
  name: 'checkpoints',
  operand: 'DATA_DIR',
  summary: 'list the checkpoints in a data directory and check them',
  details: [
    'Lists the checkpoints, newest first, with what each knows of the parts of the program,',
    'and checks every checksum: of manifests and of the state they name. Exits with 1 if',
    'something is damaged. Changes nothing, and may be used while the job runs.',
  ],
  options: [{ name: 'json', help: 'print the list as JSON' }],
  run: listCheckpoints,
}

async function listCheckpoints(line: CommandLine, outputs: Outputs): Promise<ExitCode> {
  const { fs } = nodePlatform()
  const found = await fs.stat(line.operand)
  if (found?.kind !== 'directory') {
    throw new MillraceError(
      'FS_NOT_FOUND',
      `${line.operand} is not a directory; give the data directory of a job, as in its --data-dir`,
    )
  }
  const reports = await reportCheckpoints(fs, line.operand)
  outputs.stdout.write(
    line.has('json') ? `${JSON.stringify(reports.map(jsonOf), undefined, 2)}\n` : textOf(reports),
  )
  return reports.some(({ damage }) => damage !== undefined) ? exitCodes.failed : exitCodes.done
}

function jsonOf({
  checkpoint,
  manifest,
  stateBytes,
  damage,
}: CheckpointReport): Readonly<Record<string, unknown>> {
  return {
    checkpoint,
    isSound: damage === undefined,
    ...(damage === undefined ? {} : { damage }),
    ...(manifest === undefined
      ? {}
      : {
          pipeline: manifest.pipeline,
          createdAt: manifest.createdAt,
          phase: manifest.phase,
          parallelism: manifest.parallelism,
          keyGroups: manifest.keyGroups,
          operators: manifest.operators,
          sources: manifest.sources,
          ...(manifest.reset === undefined ? {} : { reset: manifest.reset }),
          pendingCommits: manifest.sinks.filter(({ isCommitted }) => isCommitted !== true).length,
        }),
    ...(stateBytes === undefined ? {} : { stateBytes }),
  }
}

function textOf(reports: readonly CheckpointReport[]): string {
  if (reports.length === 0) return 'no checkpoints\n'
  return reports.map((report) => `${rowsOf(report).join('\n')}\n`).join('\n')
}

function rowsOf({ checkpoint, manifest, stateBytes, damage }: CheckpointReport): readonly string[] {
  const verdict = damage === undefined ? 'sound' : 'DAMAGED'
  const head = [`checkpoint ${checkpoint}`]
  if (manifest !== undefined) head.push(`${dateText(manifest.createdAt)} UTC`, manifest.phase)
  if (stateBytes !== undefined) head.push(`state ${bytesText(stateBytes)}`)
  return [
    [...head, verdict].join('   '),
    ...(damage === undefined ? [] : [`  ${printable(damage)}`]),
    ...(manifest === undefined ? [] : factsOf(manifest)),
  ]
}

const splitsShown = 4

function factsOf({ pipeline, operators, sources, sinks, reset }: Manifest): readonly string[] {
  const parts = operators.map((entry) => `  ${partText(entry)}`)
  const positions = sources.flatMap(({ source, splits, finished }) => {
    const rows = splits.slice(0, splitsShown).map(({ split, position }) => {
      const at = position === undefined ? 'not begun' : `at ${JSON.stringify(position)}`
      return `  ${source}, split ${split}: ${at}`
    })
    const more = splits.length - rows.length
    if (more > 0) rows.push(`  ${source}: ${more} more splits`)
    if (finished > 0) rows.push(`  ${source}: ${finished} splits read to their end`)
    return rows
  })
  const inDoubt = sinks.filter(({ isCommitted }) => isCommitted !== true).length
  const pending = inDoubt === 0 ? [] : [`  ${inDoubt} commits prepared by sinks`]
  const left =
    reset === undefined
      ? []
      : [`  a reset of checkpoint ${reset.from}: the next start drops ${reset.drop.join(', ') || 'nothing'}`]
  return [`  '${pipeline}'`, ...left, ...parts, ...positions, ...pending].map(printable)
}
