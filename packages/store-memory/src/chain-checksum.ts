/**
 * One number for a row of blocks, made of their checksums: tells the row from any other row of sound blocks.
 *
 * It can be taken back block by block, because segments are read from their end. An empty row has 0.
 */

/** The number of a row after `block` was put behind it. */
export function chainChecksum(row: number, block: number): number {
  return (((row << 1) | (row >>> 31)) ^ block) >>> 0
}

/** The number of a row before `block` was put behind it. */
export function unchainChecksum(row: number, block: number): number {
  const turned = row ^ block
  return ((turned >>> 1) | (turned << 31)) >>> 0
}
