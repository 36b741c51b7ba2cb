const seed = 0x9747b28c
const factor = 0x5bd1e995

/** The partition of a key. Java's clients choose the same one, so records of a key stay together when both write them. */
export function partitionOfKey(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}

/** MurmurHash 2, with 32 bits, as `org.apache.kafka.common.utils.Utils` has it. */
function murmur2(bytes: Uint8Array): number {
  const { length } = bytes
  let hash = seed ^ length
  let at = 0
  for (; at + 4 <= length; at += 4) {
    let four = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    four = Math.imul(four, factor)
    four = Math.imul(four ^ (four >>> 24), factor)
    hash = Math.imul(hash, factor) ^ four
  }
  if (at < length) {
    for (let index = length - 1; index >= at; index--) hash ^= bytes[index]! << ((index - at) * 8)
    hash = Math.imul(hash, factor)
  }
  hash = Math.imul(hash ^ (hash >>> 13), factor)
  return hash ^ (hash >>> 15)
}
