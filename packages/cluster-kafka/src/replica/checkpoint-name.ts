import type { Image } from './image.ts'

/** The number of the checkpoint whose manifest a path in a data directory is; 0 if it is none. */
export function checkpointOf(path: string): number {
  const [, digits] = /^checkpoints\/checkpoint-(\d+)\.\d+\.json$/.exec(path) ?? []
  return Number(digits ?? 0)
}

/** The number of the newest checkpoint in a data directory; 0 if there is none. */
export function newestCheckpoint({ files }: Pick<Image, 'files'>): number {
  let newest = 0
  for (const path of files.keys()) newest = Math.max(newest, checkpointOf(path))
  return newest
}
