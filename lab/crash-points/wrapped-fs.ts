import type { Fs, FsFile } from '@millrace/core/disk'

/** The overridden operations of a file system; the rest is passed through. */
export interface FsChanges extends Partial<Omit<Fs, 'open'>> {
  /** The overridden operations of an open file. */
  readonly file?: (file: FsFile, path: string) => Partial<FsFile>
}

/** A file system in front of another one. */
export function wrappedFs(inner: Fs, { file: changesOf, ...changes }: FsChanges): Fs {
  return {
    open: async (path, mode) => wrappedFile(await inner.open(path, mode), path, changesOf),
    rename: (from, to) => inner.rename(from, to),
    remove: (path) => inner.remove(path),
    list: (path) => inner.list(path),
    stat: (path) => inner.stat(path),
    makeDirectory: (path) => inner.makeDirectory(path),
    removeDirectory: (path) => inner.removeDirectory(path),
    syncDirectory: (path) => inner.syncDirectory(path),
    ...changes,
  }
}

function wrappedFile(file: FsFile, path: string, changesOf: FsChanges['file']): FsFile {
  return {
    write: (bytes) => file.write(bytes),
    writeAt: (bytes, position) => file.writeAt(bytes, position),
    read: (into, position) => file.read(into, position),
    readSync: (into, position) => file.readSync(into, position),
    truncate: (size) => file.truncate(size),
    sync: () => file.sync(),
    size: () => file.size(),
    close: () => file.close(),
    ...changesOf?.(file, path),
  }
}
