import { MillraceError } from '@millrace/core'
import type { ErrorCode } from '@millrace/core'

interface Meaning {
  readonly code: ErrorCode
  readonly says: string
  readonly isTransient?: true
}

/** The system's error codes: the meaning of each for programs, and advice for people. */
const meanings: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['ENOENT', { code: 'FS_NOT_FOUND', says: 'no such file or directory; check the path' }],
  ['ENOTDIR', { code: 'FS_NOT_FOUND', says: 'part of the path is a file, not a directory; check the path' }],
  ['EEXIST', { code: 'FS_EXISTS', says: 'already exists; remove it or use another name' }],
  ['ENOTEMPTY', { code: 'FS_EXISTS', says: 'the directory is not empty; remove its contents first' }],
  ['ENOSPC', { code: 'FS_FULL', says: 'the disk is full; free some space', isTransient: true }],
  ['EDQUOT', { code: 'FS_FULL', says: 'the quota is used up; free some space', isTransient: true }],
  ['EFBIG', { code: 'FS_FULL', says: 'the file size limit is reached; raise it (ulimit -f)' }],
  ['EROFS', { code: 'FS_READ_ONLY', says: 'the file system is read-only; mount it writable' }],
  ['EACCES', { code: 'FS_DENIED', says: 'permission denied; give this user access' }],
  ['EPERM', { code: 'FS_DENIED', says: 'not permitted; give this user access' }],
  ['EBADF', { code: 'FS_DENIED', says: 'the file is closed or open for reading only; open it to append' }],
  ['ELOOP', { code: 'FS_IO', says: 'symbolic links form a loop; remove one of them' }],
  ['EISDIR', { code: 'FS_IO', says: 'is a directory; give a file' }],
  ['EMFILE', { code: 'FS_IO', says: 'too many open files; raise the limit (ulimit -n)', isTransient: true }],
  ['ENFILE', { code: 'FS_IO', says: 'the system has too many open files; close some', isTransient: true }],
])

const unknown: Meaning = { code: 'FS_IO', says: 'input/output error; check the disk' }

/** The system's code of an error thrown by Node's file functions, such as `ENOENT`. */
export function systemCode(thrown: unknown): string {
  return String((thrown as { code?: unknown }).code)
}

/** Converts an error of Node's file functions to a `MillraceError`, with the original as cause. */
export function fsFailure(thrown: unknown, path: string): MillraceError {
  const code = systemCode(thrown)
  const meaning = meanings.get(code) ?? unknown
  return new MillraceError(meaning.code, `${path}: ${meaning.says} (${code})`, {
    cause: thrown,
    isTransient: meaning.isTransient ?? false,
  })
}

/**
 * The error for a failed sync. A sync is never retried: after a failure it is unknown which data is on the
 * disk.
 */
export function syncFailure(thrown: unknown, path: string): MillraceError {
  return new MillraceError(
    'FS_SYNC_FAILED',
    `${path}: a sync failed (${systemCode(thrown)}), so what was written may be lost; ` +
      'check the disk and restart from the last checkpoint',
    { cause: thrown },
  )
}
