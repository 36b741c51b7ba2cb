import { isMillraceError, MillraceError } from '@millrace/core'
import type { Fs } from '@millrace/core/disk'
import { GLOBSTAR, Minimatch } from 'minimatch'

/** A file in a directory of a pattern. */
export interface MetFile {
  readonly path: string
  /** Whether the pattern matches it; otherwise it is only in a directory of files that may match. */
  readonly isMatch: boolean
}

/** Callbacks of a walk. */
export interface PathVisitor {
  meet(file: MetFile): Promise<void>
  /** Called for a directory that a wildcard matched and that cannot be listed. */
  skip(path: string, error: MillraceError): void
  /** Excluded files are not matches, and excluded directories are not entered. */
  isExcluded(path: string): boolean
}

/** The part of a pattern between two slashes, and the next part. */
interface Step {
  readonly id: number
  readonly part: string | { test(name: string): boolean } | typeof GLOBSTAR
  readonly next: Step | undefined
}

/** The same syntax on every system: `/` separates names and a backslash escapes. */
const syntax = {
  nocomment: true,
  nonegate: true,
  optimizationLevel: 0,
  platform: 'linux',
} as const

const anyName: Step = { id: -1, part: { test: (name) => !name.startsWith('.') }, next: undefined }

/**
 * Selects files to read: a path, a directory (the files in it), or a pattern.
 *
 * Patterns are those of `minimatch`, which Node's own `glob` uses: `*` and `?` inside a name, `[a-z]` and
 * `[!a-z]` for one character, `{a,b/c}` and `{1..9}` for alternatives, `@(a|b)`, and `**` for any number of
 * directories. A backslash escapes. Names that begin with a dot match only patterns that write the dot. A
 * file whose name is exactly the text of the pattern matches too, such as `app[1].log`.
 */
export class PathPattern {
  readonly text: string
  /** The path, if the text has no wildcards. */
  readonly path: string | undefined
  readonly #absolute: readonly Step[]
  readonly #relative: readonly Step[]

  /** Parses a pattern. Throws `OPTION_INVALID` if no path can match it. */
  constructor(text: string) {
    if (text === '' || text.includes('\0')) {
      throw new MillraceError('OPTION_INVALID', `${JSON.stringify(text)} is not a file path; give one`)
    }
    this.text = text
    const { set } = new Minimatch(text, syntax)
    const hasChoices = /(?<!\\)[[{]/.test(text)
    const [row] = set
    const isOnePath = set.length === 1 && !hasChoices && row!.every((part) => typeof part === 'string')
    this.path = isOnePath ? pathFrom(row) : undefined
    const rows = hasChoices && !isOnePath ? [...set, text.split('/')] : set
    let id = 0
    const steps = rows.map((parts) => ({ isAbsolute: parts[0] === '', first: stepsOf(parts, () => id++) }))
    const begin = (isAbsolute: boolean): Step[] =>
      steps.flatMap((each) =>
        each.isAbsolute === isAbsolute && each.first !== undefined ? [each.first] : [],
      )
    this.#absolute = begin(true)
    this.#relative = begin(false)
  }

  /**
   * Visits the matching files. With `neighbors` also the other files in the directories where matches may be,
   * to find renamed files.
   *
   * Throws the file system's error for a directory given without wildcards.
   */
  async walk(fs: Fs, visitor: PathVisitor, scope: 'matches' | 'neighbors' = 'matches'): Promise<void> {
    const walk = new Walk(fs, visitor, scope)
    const { path } = this
    if (path !== undefined && (await fs.stat(path))?.kind === 'directory') {
      return walk.enter(path === '.' ? '' : path, [anyName], false)
    }
    if (this.#absolute.length > 0) await walk.enter('/', this.#absolute, false)
    if (this.#relative.length > 0) await walk.enter('', this.#relative, false)
  }
}

/** A walk through the directories of a pattern: each is listed once, for all alternatives that lead to it. */
class Walk {
  readonly #fs: Fs
  readonly #visitor: PathVisitor
  readonly #scope: 'matches' | 'neighbors'
  /** The directories entered at any depth, by identity: links may form cycles. */
  readonly #entered = new Set<string>()

  constructor(fs: Fs, visitor: PathVisitor, scope: 'matches' | 'neighbors') {
    this.#fs = fs
    this.#visitor = visitor
    this.#scope = scope
  }

  /** `isFound` says that a wildcard matched `directory`. */
  async enter(directory: string, begun: readonly Step[], isFound: boolean): Promise<void> {
    const steps = begun.flatMap(withAnyDepth)
    if (await this.#wasEntered(directory, steps, isFound)) return
    const isListed = steps.some(({ part, next }) =>
      typeof part === 'string' ? next === undefined && this.#scope === 'neighbors' : true,
    )
    if (!isListed) return this.#enterByName(directory, steps, isFound)
    const hasLast = steps.some(({ next }) => next === undefined)
    for (const { name, kind } of await this.#entriesOf(directory, isFound)) {
      const path = join(directory, name)
      const isExcluded = this.#visitor.isExcluded(path)
      const following = steps.filter((step) => matches(step, name))
      if (kind !== 'directory' && hasLast) {
        const isMatch = !isExcluded && following.some(({ next }) => next === undefined)
        if (isMatch || this.#scope === 'neighbors') await this.#visitor.meet({ path, isMatch })
      }
      const deeper = following.flatMap((step) => (step.part === GLOBSTAR ? [step] : (step.next ?? [])))
      if (isExcluded || deeper.length === 0) continue
      if (kind === 'directory') await this.enter(path, deeper, true)
      else if (kind === 'other') await this.#reportBrokenLink(path)
    }
  }

  /** Continues without listing the directory, which may be forbidden or large. */
  async #enterByName(directory: string, steps: readonly Step[], isFound: boolean): Promise<void> {
    for (const name of new Set(steps.map(({ part }) => part as string))) {
      const path = join(directory, name)
      if (this.#visitor.isExcluded(path)) continue
      const same = steps.filter(({ part }) => part === name)
      if (same.some(({ next }) => next === undefined)) await this.#visitor.meet({ path, isMatch: true })
      const deeper = same.flatMap(({ next }) => next ?? [])
      if (deeper.length > 0) await this.enter(path, deeper, isFound)
    }
  }

  /** Only `**` can lead to a directory twice. */
  async #wasEntered(directory: string, steps: readonly Step[], isFound: boolean): Promise<boolean> {
    if (!steps.some(({ part }) => part === GLOBSTAR)) return false
    const path = pathOf(directory)
    const stat = await this.#orSkip(path, isFound, () => this.#fs.stat(path))
    if (stat === undefined) return true
    const visit = `${steps.map(({ id }) => id).join(',')} ${stat.identity}`
    if (this.#entered.has(visit)) return true
    this.#entered.add(visit)
    return false
  }

  /** The entries of a directory; none if it does not exist or is not a directory. */
  async #entriesOf(directory: string, isFound: boolean): ReturnType<Fs['list']> {
    const path = pathOf(directory)
    return (await this.#orSkip(path, isFound, () => this.#fs.list(path))) ?? []
  }

  /** A broken link may be meant for a directory on a volume that is not mounted. */
  async #reportBrokenLink(path: string): Promise<void> {
    const stat = async () => (await this.#fs.stat(path)) ?? 'nothing'
    if ((await this.#orSkip(path, true, stat)) !== 'nothing') return
    const message = `${path}: is a broken link; remove it, or restore its target`
    this.#visitor.skip(path, new MillraceError('FS_NOT_FOUND', message))
  }

  async #orSkip<R>(path: string, isFound: boolean, ask: () => Promise<R>): Promise<R | undefined> {
    try {
      return await ask()
    } catch (error) {
      if (!isMillraceError(error)) throw error
      if (error.code === 'FS_NOT_FOUND') return undefined
      if (!isFound) throw error
      this.#visitor.skip(path, error)
      return undefined
    }
  }
}

/** A step, and the steps that may follow at once if it matches any number of directories. */
function withAnyDepth(step: Step): readonly Step[] {
  if (step.part !== GLOBSTAR) return [step]
  return step.next === undefined ? [step] : [step, ...withAnyDepth(step.next)]
}

function matches({ part }: Step, name: string): boolean {
  if (part === GLOBSTAR) return !name.startsWith('.')
  return typeof part === 'string' ? part === name : part.test(name)
}

/** The steps of one alternative; undefined if it names the directory where it begins. */
function stepsOf(parts: readonly Step['part'][], newId: () => number): Step | undefined {
  const named = parts.filter((part) => part !== '' && part !== '.')
  return named.reduceRight<Step | undefined>((next, part) => ({ id: newId(), part, next }), undefined)
}

function pathFrom(names: readonly string[]): string {
  const path = names.filter((name) => name !== '' && name !== '.').join('/')
  return names[0] === '' ? `/${path}` : pathOf(path)
}

function pathOf(directory: string): string {
  return directory === '' ? '.' : directory
}

function join(directory: string, name: string): string {
  return directory === '' || directory.endsWith('/') ? directory + name : `${directory}/${name}`
}

/** Paths that are not read: a pattern without a slash is compared with the last name of a path. */
export class Exclusion {
  readonly #patterns: readonly Minimatch[]

  constructor(patterns: string | readonly string[]) {
    this.#patterns = [patterns].flat().map((text) => {
      if (text === '') throw new MillraceError('OPTION_INVALID', "exclude is ''; give a path or a pattern")
      const path = text.replace(/^(?:\.\/)+/, '').replace(/(?<=.)\/+$/, '')
      return new Minimatch(path, { ...syntax, dot: true, matchBase: true })
    })
  }

  excludes(path: string): boolean {
    return this.#patterns.some((pattern) => pattern.match(path))
  }
}
