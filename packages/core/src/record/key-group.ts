/**
 * Key groups: the unit in which keyed state, timers and work move between subtasks.
 *
 * A key's group is the 32-bit murmur2 hash of its canonical bytes, without the sign bit, modulo the number of
 * groups. State is stored by group in checkpoints, so this never changes. The canonical bytes are
 *
 *     text (composite keys too)   its UTF-8
 *     a number                    its 8 bytes as an IEEE double, little-endian; one NaN
 *     a bigint                    the UTF-8 of its decimal digits
 *     false, true, null           one byte 0, one byte 1, no byte
 *
 * For string keys this is what Kafka's default partitioner computes, so a topic with as many partitions as
 * there are key groups has the same layout.
 */
import type { KeyToken } from './key-token.ts'

/** The minimum number of key groups, by default. */
const keyGroupsMin = 128

/** The maximum number of key groups of a job, and so its maximum parallelism. */
export const keyGroupsMax = 32_768

/** A contiguous range of key groups, both ends included. */
export interface KeyGroupRange {
  readonly first: number
  readonly last: number
}

/**
 * The default number of key groups of a job: enough to grow by 50 % more subtasks, rounded up to a power of
 * two. It cannot change once there is state.
 */
export function defaultKeyGroups(parallelism: number): number {
  let groups = keyGroupsMin
  while (groups < parallelism * 1.5 && groups < keyGroupsMax) groups *= 2
  return groups
}

/** The group of the key of `token`, from 0 to `groupCount` - 1. */
export function keyGroup(token: KeyToken, groupCount: number): number {
  return (tokenHash(token) & 0x7fff_ffff) % groupCount
}

/**
 * The group of a split, whose subtask reads it. Splits whose names differ in their last number, such as the partitions of a
 * topic or the parts of a file, are spread evenly: numbers 0 and 1 are in the two halves of all groups, 0 to 3 in the four
 * quarters, and so on (van der Corput, 1935). A hash alone would often give several of a few splits to one subtask.
 */
export function splitGroup(split: string, groupCount: number): number {
  const [, before = split, digits = '0', after = ''] = /^(.*?)(\d{1,9})(\D*)$/s.exec(split) ?? []
  const offset = Math.floor(fractionOf(Number(digits)) * groupCount)
  return (keyGroup(before + after, groupCount) + offset) % groupCount
}

/** The bits of a whole number behind the point, in reverse: 1 is a half, 2 a quarter, 3 three quarters. */
function fractionOf(whole: number): number {
  let fraction = 0
  for (let rest = whole, bit = 0.5; rest > 0; rest = Math.floor(rest / 2), bit /= 2) {
    fraction += (rest % 2) * bit
  }
  return fraction
}

/** The groups that `subtask` owns. */
export function keyGroupRange(subtask: number, parallelism: number, groupCount: number): KeyGroupRange {
  return {
    first: Math.ceil((subtask * groupCount) / parallelism),
    last: Math.floor(((subtask + 1) * groupCount - 1) / parallelism),
  }
}

/** The subtask that owns `group`. */
export function subtaskOfGroup(group: number, parallelism: number, groupCount: number): number {
  return Math.floor((group * parallelism) / groupCount)
}

/** The subtask that reads a split. */
export function subtaskOfSplit(split: string, parallelism: number, groupCount: number): number {
  return subtaskOfGroup(splitGroup(split, groupCount), parallelism, groupCount)
}

/** A hash of 32 bits, signed. Its low bits are those that the key group depends on. */
export function tokenHash(token: KeyToken): number {
  if (typeof token === 'string') return textHash(token)
  if (typeof token === 'number') return numberHash(token)
  if (typeof token === 'bigint') return textHash(token.toString())
  if (token === null) return murmur2(noBytes)
  return murmur2(token ? oneByte : zeroByte)
}

const noBytes = new Uint8Array(0)
const zeroByte = Uint8Array.of(0)
const oneByte = Uint8Array.of(1)
const utf8 = new TextEncoder()
const double = new DataView(new ArrayBuffer(8))

const seed = 0x9747_b28c
const multiplier = 0x5bd1_e995

/** MurmurHash2 by Austin Appleby, 32 bits, with the seed that Kafka uses. The result is signed. */
export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes
  const body = length & ~3
  let hash = seed ^ length
  for (let i = 0; i < body; i += 4) {
    hash = mix(hash, bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24))
  }
  const rest = length - body
  if (rest > 0) {
    if (rest === 3) hash ^= bytes[body + 2]! << 16
    if (rest >= 2) hash ^= bytes[body + 1]! << 8
    hash = Math.imul(hash ^ bytes[body]!, multiplier)
  }
  return finish(hash)
}

/** The same without encoding, as long as the text is ASCII: one unit is one byte. */
function textHash(text: string): number {
  const { length } = text
  const body = length & ~3
  let hash = seed ^ length
  let seen = 0
  for (let i = 0; i < body; i += 4) {
    const a = text.charCodeAt(i)
    const b = text.charCodeAt(i + 1)
    const c = text.charCodeAt(i + 2)
    const d = text.charCodeAt(i + 3)
    seen |= a | b | c | d
    hash = mix(hash, a | (b << 8) | (c << 16) | (d << 24))
  }
  let rest = 0
  for (let i = length - 1; i >= body; i--) {
    const unit = text.charCodeAt(i)
    seen |= unit
    rest = (rest << 8) | unit
  }
  if (length > body) hash = Math.imul(hash ^ rest, multiplier)
  return seen > 0x7f ? murmur2(utf8.encode(text)) : finish(hash)
}

/** The hash of the eight bytes, as two words. */
function numberHash(number: number): number {
  // There are many NaNs, and an engine may write any of them.
  if (Number.isNaN(number)) return twoWords(0, 0x7ff8_0000)
  double.setFloat64(0, number, true)
  return twoWords(double.getInt32(0, true), double.getInt32(4, true))
}

function twoWords(low: number, high: number): number {
  return finish(mix(mix(seed ^ 8, low), high))
}

function mix(hash: number, word: number): number {
  let mixed = Math.imul(word, multiplier)
  mixed ^= mixed >>> 24
  return Math.imul(hash, multiplier) ^ Math.imul(mixed, multiplier)
}

function finish(hash: number): number {
  let mixed = hash ^ (hash >>> 13)
  mixed = Math.imul(mixed, multiplier)
  return mixed ^ (mixed >>> 15)
}
