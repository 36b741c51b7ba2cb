/**
 * Damages one file after another of a killed job, as a broken disk or a person could.
 *
 * The job must continue exactly or not at all. It uses the newest intact checkpoint, and warns if that is not
 * the newest one; without an intact one it stops with `CHECKPOINT_CORRUPT`. It never starts empty, and never
 * uses damaged bytes.
 */
import { describeError } from '@millrace/core'
import type { SimFs } from '@millrace/testkit'
import { promised } from './broken-promise.ts'
import type { Case } from './cases.ts'
import { hasCode, isFinal } from './error-causes.ts'
import { dataDirectory, live, type LifeOptions } from './life.ts'
import { OutputReader } from './output-reader.ts'

/** A change to files: a flipped bit at `offset` of each, or their removal. */
interface Damage {
  readonly paths: readonly string[]
  readonly offset: number | 'all'
}

/** A checkpoint on the disk, and the bytes it needs, by file. */
interface Needs {
  readonly checkpoint: number
  /** Of its manifest. */
  readonly path: string
  readonly bytes: ReadonlyMap<string, number>
}

/**
 * Starts the job on a disk on which one byte of one of its files is wrong (every `stride`th in turn), one
 * file is missing, or no manifest can be read.
 */
export function* damages(killed: SimFs, stride: number, options: LifeOptions = {}): Generator<Case> {
  for (const damage of damagesOn(killed, stride)) {
    const what = damage.offset === 'all' ? 'lost' : `damaged at byte ${damage.offset}`
    yield { name: `${damage.paths.join(', ')} ${what}`, run: () => startDamaged(killed, damage, options) }
  }
}

function damagesOn(fs: SimFs, stride: number): readonly Damage[] {
  const paths = fs.paths().filter((path) => /^\/data\/.*\.(?:json|seg)$|^\/out\/.*\.staged-/.test(path))
  const single = paths.flatMap((path) => {
    const offsets: Damage['offset'][] = ['all']
    for (let offset = 0; offset < fs.peek(path)!.length; offset += stride) offsets.push(offset)
    return offsets.map((offset) => ({ paths: [path], offset }))
  })
  const manifests = paths.filter((path) => path.endsWith('.json'))
  return [...single, { paths: manifests, offset: 0 }, { paths: manifests, offset: 300 }]
}

async function startDamaged(killed: SimFs, damage: Damage, options: LifeOptions): Promise<string> {
  const checkpoints = needsOn(killed)
  const whole = checkpoints.filter((each) => !isHurt(each, damage))
  // A damaged manifest is detected. A missing one must be detected too; otherwise the job would silently
  // restore an older one.
  const published = publishedOn(killed)
  const isMissed = checkpoints.every(
    ({ checkpoint, path }) =>
      checkpoint < published || (damage.offset === 'all' && damage.paths.includes(path)),
  )
  const fs = killed.afterKill()
  for (const path of damage.paths) {
    if (damage.offset === 'all') fs.lose(path)
    else fs.corrupt(path, damage.offset, 1 << (damage.offset % 8))
  }
  const isOutputHurt = hurtsOutput(killed, checkpoints[0]!, damage)
  const reader = OutputReader.new()
  if (isOutputHurt) reader.look(fs)
  const { result, events } = await live(fs, reader, options)
  const warnings = events.flatMap((event) => (event.kind === 'warning' ? [event.message] : []))
  if (result.outcome === 'failed') {
    const { error } = result
    // Missing output is not part of the data directory.
    const isGone = isOutputHurt && damage.offset === 'all' && isFinal(error)
    promised(
      isGone || hasCode(error, 'CHECKPOINT_CORRUPT'),
      () => `it failed unclearly: ${describeError(error)}`,
    )
    reader.look(fs)
    const mustStop = whole.length === 0 || isMissed || isOutputHurt
    promised(mustStop, () => `it stopped, though checkpoint ${whole[0]!.checkpoint} is whole`)
    return 'stopped'
  }
  promised(!isOutputHurt, () => 'it continued, though prepared output is damaged')
  promised(!isMissed, () => `it continued, though the manifest of checkpoint ${published} is gone`)
  promised(result.outcome === 'finished', () => `it ended as ${result.outcome}`)
  promised(whole.length > 0, () => 'it continued, though no checkpoint is whole')
  const started = events.find(({ kind }) => kind === 'started')
  const from = started?.kind === 'started' ? started.restoredFrom : undefined
  promised(from === whole[0]!.checkpoint, () => `it continued from ${from}, not from ${whole[0]!.checkpoint}`)
  reader.look(fs)
  reader.requireAll()
  if (from === checkpoints[0]!.checkpoint) return 'unharmed'
  // Killed before it could record that it had published the newest.
  const isGone = damage.offset === 'all' && checkpoints[0]!.checkpoint > published
  promised(isGone || warnings.length > 0, () => 'it fell back without a warning')
  return 'fell back'
}

/** Reads manifests without the engine. Newest first. */
function needsOn(fs: SimFs): readonly Needs[] {
  const manifests = fs.paths().filter((path) => /^\/data\/checkpoints\/.*\.json$/.test(path))
  return manifests.toReversed().map((path): Needs => {
    const content = fs.peek(path)!
    const text = new TextDecoder().decode(content)
    const { checkpoint, store } = JSON.parse(text.slice(text.indexOf('\n'))) as {
      readonly checkpoint: number
      readonly store: {
        readonly parts: readonly {
          readonly snapshot: { readonly segments: { file: string; bytes: number }[] }
        }[]
      }
    }
    const segments = store.parts[0]!.snapshot.segments.map(
      ({ file, bytes }) => [`/${dataDirectory}/state/${file}`, bytes] as const,
    )
    return { checkpoint, path, bytes: new Map([[path, content.length], ...segments]) }
  })
}

/** The highest checkpoint that was published according to the disk. */
function publishedOn(fs: SimFs): number {
  const numbers = fs.paths().flatMap((path) => /\/announced-(\d+)$/.exec(path)?.[1] ?? [])
  return Math.max(0, ...numbers.map(Number))
}

/** Whether the damage affects prepared output that a checkpoint names. */
function hurtsOutput(fs: SimFs, { path }: Needs, { paths, offset }: Damage): boolean {
  const text = new TextDecoder().decode(fs.peek(path))
  const { sinks } = JSON.parse(text.slice(text.indexOf('\n'))) as {
    readonly sinks: readonly { readonly committable: PreparedOutput }[]
  }
  return sinks.some(({ committable: { target, parts = [], rolled = [], open } }) =>
    [...parts, ...rolled, ...(open === null || open === undefined ? [] : [open])].some(
      ({ staged, base = 0, length }) => {
        if (!paths.includes(`/${staged}`)) return false
        const isVisible = target !== undefined && (fs.peek(target)?.length ?? 0) >= base + length
        return offset === 'all' ? !isVisible : offset < length
      },
    ),
  )
}

/** A committable of the files sink, read without the connector. */
interface PreparedOutput {
  readonly target?: string
  readonly parts?: readonly PreparedPart[]
  readonly rolled?: readonly PreparedPart[]
  readonly open?: PreparedPart | null
}

interface PreparedPart {
  readonly staged: string
  readonly base?: number
  readonly length: number
}

function isHurt({ bytes }: Needs, { paths, offset }: Damage): boolean {
  return paths.some((path) => {
    const needed = bytes.get(path)
    return needed !== undefined && (offset === 'all' || offset < needed)
  })
}
