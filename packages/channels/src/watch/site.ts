import { entryFile } from '../wait/overseer.ts'

/** This package's own directory and the file through which it calls overseers, as stack traces write them. */
const own = /^(.*[\\/])watch[\\/]site\.(\w+)$/.exec(framesOf(new Error('here'))[0]?.file ?? '')
const ownDirectory = own?.[1]
const entry = own && `${own[1]}${entryFile}.${own[2]}`

interface Frame {
  readonly file: string
  readonly line: string
}

/** The frames of a stack as V8 (`at f (FILE:1:2)`) and others (`f@FILE:1:2`) write them, innermost first. */
function framesOf(error: Error): Frame[] {
  const frames: Frame[] = []
  for (const text of (error.stack ?? '').split('\n')) {
    const found = /(?:^|[(@\s])((?:[a-z-]+:\/\/|node:|\/|[A-Z]:[\\/])[^()]*?):(\d+)(?::\d+)?\)?$/.exec(text)
    if (found !== null) frames.push({ file: found[1]!.replace(/^file:\/\//, ''), line: found[2]! })
  }
  return frames
}

/** How deep a caller is looked for: this package's own frames and an overseer's come first. */
const framesMax = 25
/** V8 keeps ten frames unless it is told otherwise here. */
const stacks = Error as { stackTraceLimit?: number }

function deepError(): Error {
  const usual = stacks.stackTraceLimit
  if (usual === undefined || usual >= framesMax) return new Error('a site')
  stacks.stackTraceLimit = framesMax
  try {
    return new Error('a site')
  } finally {
    stacks.stackTraceLimit = usual
  }
}

/**
 * The line of the user's program from which this package was called.
 *
 * Taking one costs a stack of two dozen frames; it is read only when somebody asks.
 */
export class Site {
  readonly #error = deepError()
  #text: string | undefined

  /** `FILE:LINE`, or "an unknown place" where stacks say nothing, as in a program bundled into one file. */
  get place(): string {
    return (this.#text ??= placeOf(framesOf(this.#error)))
  }
}

// From the inside out: an overseer's own frames, this package's entry for overseers, this package, its caller.
function placeOf(frames: readonly Frame[]): string {
  const entered = frames.findIndex(({ file }) => file === entry)
  const caller = frames.find(({ file }, index) => index > entered && !isOwn(file))
  return entered === -1 || caller === undefined ? 'an unknown place' : `${caller.file}:${caller.line}`
}

function isOwn(file: string): boolean {
  if (file.startsWith('node:')) return true
  return ownDirectory !== undefined && file.startsWith(ownDirectory) && !/\.test\.\w+$/.test(file)
}
