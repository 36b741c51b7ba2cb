/**
 * Damages one file after another of a job that was killed, as a broken disk or a person would.
 *
 * The job goes on exactly or not at all. It uses the newest checkpoint that is whole, and says so when that is not
 * the newest there is; without one it stops with `CHECKPOINT_CORRUPT`. It never starts from nothing, and never
 * computes with bytes that are not those that were written.
 */
import { describeError } from '@millrace/core'
import type { SimFs } from '@millrace/testkit'
import { promised } from './broken-promise.ts'
import type { Case } from './cases.ts'
import { hasCode, isFinal } from './error-causes.ts'
import { dataDirectory, live, type LifeOptions } from './life.ts'
import { OutputReader } from './output-reader.ts'

/** A change to files: a bit of the byte at `offset` of each, or they are gone. */
interface Damage {
  readonly paths: readonly string[]
  readonly offset: number | 'all'
}

/** A checkpoint on the disk, and how many bytes of which files it needs. */
interface Needs {
  readonly checkpoint: number
  /** Of its manifest. */
  readonly path: string
  readonly bytes: ReadonlyMap<string, number>
}

/**
 * The job on a disk on which one byte of one of its files is wrong, every `stride`th in turn, or one file is gone, or
 * no manifest can be read.
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
  // A manifest that is damaged is seen. One that is gone is missed, or the job would go back without a word.
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
    // Output that is gone is not the data directory's.
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
  promised(!isOutputHurt, () => 'it went on, though prepared output is damaged')
  promised(!isMissed, () => `it went on, though the manifest of checkpoint ${published} is gone`)
  promised(result.outcome === 'finished', () => `it ended as ${result.outcome}`)
  promised(whole.length > 0, () => 'it went on, though no checkpoint is whole')
  const started = events.find(({ kind }) => kind === 'started')
  const from = started?.kind === 'started' ? started.restoredFrom : undefined
  promised(from === whole[0]!.checkpoint, () => `it went on from ${from}, not from ${whole[0]!.checkpoint}`)
  reader.look(fs)
  reader.requireAll()
  if (from === checkpoints[0]!.checkpoint) return 'unharmed'
  // Killed before it could note that it had published the newest.
  const isGone = damage.offset === 'all' && checkpoints[0]!.checkpoint > published
  promised(isGone || warnings.length > 0, () => 'it fell back and nobody was told')
  return 'fell back'
}

/** Reads manifests as a person would, with no help of the engine. Newest first. */
function needsOn(fs: SimFs): readonly Needs[] {
  const manifests = fs.paths().filter((path) => /^\/data\/checkpoints\/.*\.json$/.test(path))
  return manifests.toReversed().map((path): Needs => {
    const content = fs.peek(path)!
    const text = new TextDecoder().decode(content)
    const { checkpoint, store } = JSON.parse(text.slice(text.indexOf('\n'))) as {
      readonly checkpoint: number
      readonly store: { readonly snapshot: { readonly segments: { file: string; bytes: number }[] } }
    }
    const segments = store.snapshot.segments.map(
      ({ file, bytes }) => [`/${dataDirectory}/state/${file}`, bytes] as const,
    )
    return { checkpoint, path, bytes: new Map([[path, content.length], ...segments]) }
  })
}

/** The highest checkpoint that the disk says was published. */
function publishedOn(fs: SimFs): number {
  const numbers = fs.paths().flatMap((path) => /\/announced-(\d+)$/.exec(path)?.[1] ?? [])
  return Math.max(0, ...numbers.map(Number))
}

/** Whether damage is done to what a checkpoint names of output that is prepared and not visible. */
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

/** A committable of the files sink, as a person would read it. */
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
