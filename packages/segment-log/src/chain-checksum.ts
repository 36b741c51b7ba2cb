/**
 * A checksum for a chain of blocks, computed from theirs: distinguishes the chain from any other chain of
 * intact blocks.
 *
 * It can be undone block by block, because segments are read from their end. An empty chain has 0.
 */

/** The checksum of a chain after `block` was appended. */
export function chainChecksum(row: number, block: number): number {
  return (((row << 1) | (row >>> 31)) ^ block) >>> 0
}

/** The checksum of a chain before `block` was appended. */
export function unchainChecksum(row: number, block: number): number {
  const turned = row ^ block
  return ((turned >>> 1) | (turned << 31)) >>> 0
}
