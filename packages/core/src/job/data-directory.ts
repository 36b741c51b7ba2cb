import type { StorePart } from '../checkpoint/manifest.ts'

/**
 * The layout of a job's data directory.
 *
 *     owner/                    the owning process
 *     checkpoints/              manifests
 *     state/                    the state store's own, and a directory in it for each worker thread
 *     connectors/NAME/          one directory for each source and sink that wants one
 */
export class DataDirectory {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  get owner(): string {
    return `${this.path}/owner`
  }

  get checkpoints(): string {
    return `${this.path}/checkpoints`
  }

  get state(): string {
    return `${this.path}/state`
  }

  /** Where a part of a checkpoint's state lies. */
  statePart({ directory }: Pick<StorePart, 'directory'>): string {
    return directory === '' ? this.state : `${this.state}/${directory}`
  }

  get connectors(): string {
    return `${this.path}/connectors`
  }

  /** Names come from users: special characters are escaped, so no name can escape the directory. */
  connector(name: string): string {
    const escaped = [...new TextEncoder().encode(name)]
      .map((byte) => {
        const character = String.fromCharCode(byte)
        return /[A-Za-z0-9_-]/.test(character) ? character : `%${byte.toString(16).padStart(2, '0')}`
      })
      .join('')
    return `${this.connectors}/${escaped}`
  }
}
