import { isMillraceError, MillraceError, type Fs } from '@millrace/core'

/** A file that was met on the way through the directories of a pattern. */
export interface MetFile {
  readonly path: string
  /** Whether the pattern asks for it, or it only stands beside such files. */
  readonly isMatch: boolean
}

type Segment =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'wild'; readonly expression: RegExp }
  | { readonly kind: 'any-depth' }

const everyName: Segment = { kind: 'wild', expression: /^[^.]/ }

/**
 * Which files to read: a path, a directory (the files in it), or a pattern.
 *
 * In a pattern `*` stands for any part of a name, `?` for one character, `{a,b}` for either, and `**` for any
 * number of directories. Names that begin with a dot are met only by patterns that write the dot.
 */
export class PathPattern {
  readonly text: string
  /** Whether it names one path. */
  readonly isLiteral: boolean
  readonly #segments: readonly Segment[]
  readonly #root: string

  /** Throws `OPTION_INVALID` for a pattern that no path can match. */
  constructor(text: string) {
    if (text === '' || text.includes('\0')) {
      throw new MillraceError('OPTION_INVALID', `${JSON.stringify(text)} is no path of a file; name one`)
    }
    this.text = text
    this.#root = text.startsWith('/') ? '/' : ''
    const names = text.split('/').filter((name) => name !== '' && name !== '.')
    this.#segments = names.map(segmentOf)
    this.isLiteral = this.#segments.every((segment) => segment.kind === 'name')
  }

  /**
   * Calls `visit` for every file in the directories of the pattern: files that match, and their neighbours, among
   * which a renamed file is found.
   */
  async walk(fs: Fs, visit: (file: MetFile) => Promise<void>): Promise<void> {
    const walk = new Walk(fs, visit)
    if (this.isLiteral && (await fs.stat(this.text))?.kind === 'directory') {
      await walk.enter(this.text, [everyName])
    } else await walk.enter(this.#root, this.#segments)
  }
}

/** One way through the directories of a pattern. */
class Walk {
  readonly #fs: Fs
  readonly #visit: (file: MetFile) => Promise<void>
  /** The directories that were entered at any depth, by identity: links may lead in circles. */
  readonly #entered = new Set<string>()

  constructor(fs: Fs, visit: (file: MetFile) => Promise<void>) {
    this.#fs = fs
    this.#visit = visit
  }

  async enter(directory: string, segments: readonly Segment[]): Promise<void> {
    const [segment, ...rest] = segments
    if (segment === undefined) return
    if (segment.kind === 'name' && rest.length > 0) return this.enter(join(directory, segment.name), rest)
    if (segment.kind === 'any-depth') return this.#enterAll(directory, segments, rest)
    for (const { name, kind } of await this.#entriesOf(directory)) {
      const path = join(directory, name)
      const isMatch = segment.kind === 'name' ? segment.name === name : segment.expression.test(name)
      if (rest.length === 0) {
        if (kind !== 'directory') await this.#visit({ path, isMatch })
      } else if (isMatch && kind !== 'file') await this.enter(path, rest)
    }
  }

  async #enterAll(directory: string, segments: readonly Segment[], rest: readonly Segment[]): Promise<void> {
    const identity = (await this.#fs.stat(pathOf(directory)))?.identity
    const visit = `${segments.length} ${identity}`
    if (identity === undefined || this.#entered.has(visit)) return
    this.#entered.add(visit)
    await this.enter(directory, rest.length > 0 ? rest : [everyName])
    for (const { name, kind } of await this.#entriesOf(directory)) {
      if (kind === 'directory' && !name.startsWith('.')) await this.enter(join(directory, name), segments)
    }
  }

  /** What is in a directory; nothing if it does not exist, any more, or is none. */
  async #entriesOf(directory: string): ReturnType<Fs['list']> {
    const path = pathOf(directory)
    if ((await this.#fs.stat(path))?.kind !== 'directory') return []
    try {
      return await this.#fs.list(path)
    } catch (error) {
      if (isMillraceError(error, 'FS_NOT_FOUND')) return []
      throw error
    }
  }
}

function pathOf(directory: string): string {
  return directory === '' ? '.' : directory
}

function join(directory: string, name: string): string {
  return directory === '' || directory.endsWith('/') ? directory + name : `${directory}/${name}`
}

function segmentOf(name: string): Segment {
  if (name === '**') return { kind: 'any-depth' }
  if (!/[*?{]/.test(name)) return { kind: 'name', name }
  return {
    kind: 'wild',
    expression: new RegExp(`^${name.startsWith('.') ? '' : '(?!\\.)'}${expressionOf(name)}$`, 's'),
  }
}

function expressionOf(name: string): string {
  return name.replaceAll(
    /\{([^{}]*)\}|\*+|\?|[\\^$.|+()[\]{}]/g,
    (found: string, choices: string | undefined) => {
      if (choices !== undefined) return `(?:${choices.split(',').map(expressionOf).join('|')})`
      if (found.startsWith('*')) return '[^/]*'
      return found === '?' ? '[^/]' : `\\${found}`
    },
  )
}
