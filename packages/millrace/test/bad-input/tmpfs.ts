import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** A small separate disk, which can be filled and made read-only safely. */
export class Tmpfs implements Disposable {
  readonly path: string

  /** `size` as for mount(8), such as `4m`. Throws if this user may not mount. */
  constructor(size: string) {
    this.path = mkdtempSync(path.join(os.tmpdir(), 'millrace-disk-'))
    try {
      mount('-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', this.path)
    } catch (error) {
      rmdirSync(this.path)
      throw error
    }
  }

  makeReadOnly(): void {
    mount('-o', 'remount,ro', this.path)
  }

  makeWritable(): void {
    mount('-o', 'remount,rw', this.path)
  }

  [Symbol.dispose](): void {
    execFileSync('umount', ['-l', this.path])
    rmdirSync(this.path)
  }
}

/** Why this user cannot mount a disk; undefined if it can. */
export function mountingFails(): string | undefined {
  try {
    using disk = new Tmpfs('64k')
    return disk.path === '' ? 'the disk has no path' : undefined
  } catch (error) {
    return (error as Error).message.trim()
  }
}

function mount(...args: readonly string[]): void {
  execFileSync('mount', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
