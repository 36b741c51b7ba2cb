import { MillraceError } from '@millrace/core'
import type { ErrorCode } from '@millrace/core'

interface Meaning {
  readonly code: ErrorCode
  readonly says: string
  readonly isTransient?: true
}

/** What a program needs to know of the system's error codes, and what a person can do about each. */
const meanings: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['ENOENT', { code: 'FS_NOT_FOUND', says: 'there is no such file or directory; check the path' }],
  ['ENOTDIR', { code: 'FS_NOT_FOUND', says: 'part of the path is a file, not a directory; check the path' }],
  ['EEXIST', { code: 'FS_EXISTS', says: 'exists already; remove it or take another name' }],
  ['ENOTEMPTY', { code: 'FS_EXISTS', says: 'something is in it; remove that first' }],
  ['ENOSPC', { code: 'FS_FULL', says: 'the disk is full; free some space', isTransient: true }],
  ['EDQUOT', { code: 'FS_FULL', says: 'the quota is used up; free some space', isTransient: true }],
  ['EFBIG', { code: 'FS_FULL', says: 'the file may not grow further; raise the limit (ulimit -f)' }],
  ['EROFS', { code: 'FS_READ_ONLY', says: 'the file system is read-only; mount it writable' }],
  ['EACCES', { code: 'FS_DENIED', says: 'permission denied; give this user access' }],
  ['EPERM', { code: 'FS_DENIED', says: 'not permitted; give this user access' }],
  ['EBADF', { code: 'FS_DENIED', says: 'opened for reading, or closed; open it to append' }],
  ['ELOOP', { code: 'FS_IO', says: 'symbolic links lead in a circle; remove one of them' }],
  ['EISDIR', { code: 'FS_IO', says: 'is a directory; name a file' }],
  ['EMFILE', { code: 'FS_IO', says: 'too many open files; raise the limit (ulimit -n)', isTransient: true }],
  ['ENFILE', { code: 'FS_IO', says: 'the system has too many open files; close some', isTransient: true }],
])

const unknown: Meaning = { code: 'FS_IO', says: 'input/output error; check the disk' }

/** The system's code of an error that Node's file functions threw, such as `ENOENT`. */
export function systemCode(thrown: unknown): string {
  return String((thrown as { code?: unknown }).code)
}

/** What Node's file functions threw, in the words of the contract. The cause is kept. */
export function fsFailure(thrown: unknown, path: string): MillraceError {
  const code = systemCode(thrown)
  const meaning = meanings.get(code) ?? unknown
  return new MillraceError(meaning.code, `${path}: ${meaning.says} (${code})`, {
    cause: thrown,
    isTransient: meaning.isTransient ?? false,
  })
}

/** A failed sync: after it nobody knows what of the file is on the disk, so it is never tried again. */
export function syncFailure(thrown: unknown, path: string): MillraceError {
  return new MillraceError(
    'FS_SYNC_FAILED',
    `${path}: a sync failed (${systemCode(thrown)}), so what was written may be lost; ` +
      'check the disk and restart from the last checkpoint',
    { cause: thrown },
  )
}
