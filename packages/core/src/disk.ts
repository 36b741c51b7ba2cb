/** For platforms and for those who keep files: the doors to the world, and files that survive a crash. */

export { crc32 } from './codec/crc32.ts'
export { copyFile } from './disk/copy-file.ts'
export { makeDurableDirectory, putIntoDirectory } from './disk/durable-directory.ts'
export type { Fs, FsEntry, FsFile, FsMode, FsStat } from './disk/fs.ts'
export type { HeldDirectory, Owner } from './disk/owner.ts'
export type { Platform, ProcessFacts, ProcessIdentity } from './disk/platform.ts'
export type { CallFrame, CpuProfile, PartFrame, Profiler, ProfileNode, Profiling } from './disk/profiler.ts'
export {
  publishFile,
  readAt,
  readWhole,
  removeIfThere,
  removeTemporaries,
  temporaryOf,
  writeFully,
  writeFullyAt,
} from './disk/whole-file.ts'
