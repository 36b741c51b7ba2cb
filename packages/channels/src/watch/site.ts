import { madeHere } from '@millrace/world'

/** The directory of this package's modules, as stack traces write it; undefined in a program bundled into one file. */
const ownDirectory = /^(.*[\\/])watch[\\/]site\.\w+$/.exec(innermost(new Error('here')))?.[1]

/** The file through which a wait registry is called, and its directory. */
const entry = innermost(madeHere)
const entryDirectory = entry.replace(/[^\\/]*$/, '')

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

function innermost(error: Error): string {
  return framesOf(error)[0]?.file ?? ''
}

/** The number of frames searched for a caller: those of this package, of `world` and of a wait registry come first. */
const framesMax = 25
/** V8 keeps ten frames by default. */
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
 * Taking one costs a stack of two dozen frames; it is read only on request.
 */
export class Site {
  readonly #error = deepError()
  #text: string | undefined

  /** `FILE:LINE`, or "an unknown place" where stacks say nothing, as in a program bundled into one file. */
  get place(): string {
    return (this.#text ??= placeOf(framesOf(this.#error)))
  }
}

// From the inside out: the registry's own frames, the entry to registries, this package and world, their caller.
function placeOf(frames: readonly Frame[]): string {
  if (ownDirectory === undefined) return 'an unknown place'
  const entered = frames.findIndex(({ file }) => file === entry)
  const caller = frames.find(({ file }, index) => index > entered && !isOwn(file))
  return entered === -1 || caller === undefined ? 'an unknown place' : `${caller.file}:${caller.line}`
}

function isOwn(file: string): boolean {
  if (file.startsWith('node:')) return true
  return [ownDirectory!, entryDirectory].some((each) => file.startsWith(each)) && !/\.test\.\w+$/.test(file)
}
