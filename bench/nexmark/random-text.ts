import { SplittableRandom } from './splittable-random.ts'

/** Seeds of the two tables that are the same for every input. */
const padSeed = 0x9a0d
const channelSeed = 0xc4a2

const padLength = 1 << 20
const hotChannels = ['Google', 'Facebook', 'Baidu', 'Apple'] as const
const otherChannels = 10_000

/** A channel through which bids come, and the page that its bids name. */
export interface Channel {
  readonly name: string
  readonly url: string
}

/** Three to `max - 1` letters, some of them `special`; spaces at the ends are removed. */
export function text(random: SplittableRandom, max: number, special = ' '): string {
  let drawn = ''
  for (let left = 3 + random.below(max - 3); left > 0; left--) {
    drawn += random.below(13) === 0 ? special : String.fromCharCode(97 + random.below(26))
  }
  return drawn.trim()
}

/** A part of the padding, such that a row of `size` bytes becomes one of `average` bytes on average. */
export function padding(random: SplittableRandom, size: number, average: number): string {
  if (size > average) return ''
  const wanted = average - size
  const delta = Math.round(wanted * 0.2)
  const length = wanted - delta + (delta === 0 ? 0 : random.below(2 * delta))
  const from = random.below(padLength - length)
  return pad.slice(from, from + length)
}

const pad = makePad()

/** Six characters of each draw. A negative one gives characters before 'a', as in the original. */
function makePad(): string {
  const random = new SplittableRandom(padSeed)
  const codes = new Uint8Array(padLength)
  let drawn = 0
  for (let i = 0; i < padLength; i++) {
    if (i % 6 === 0) drawn = random.int()
    codes[i] = 97 + (drawn % 26)
    drawn = Math.trunc(drawn / 26)
  }
  return new TextDecoder('latin1').decode(codes)
}

/** All channels: the four that half of the bids come through, then the ten thousand others. */
export const channels: readonly Channel[] = makeChannels()

function makeChannels(): Channel[] {
  const random = new SplittableRandom(channelSeed)
  const page = (): string =>
    `https://www.nexmark.com/${text(random, 5, '_')}/${text(random, 5, '_')}/${text(random, 5, '_')}/item.htm?query=1`
  const hot = hotChannels.map((name) => ({ name, url: page() }))
  const others = Array.from({ length: otherChannels }, (_, number) => {
    const url = page()
    const hasId = random.below(10) > 0
    return { name: `channel-${number}`, url: hasId ? `${url}&channel_id=${channelId(number)}` : url }
  })
  return [...hot, ...others]
}

/** Draws a channel: its index in `channels`. */
export function drawChannel(random: SplittableRandom): number {
  return random.below(2) > 0
    ? random.below(hotChannels.length)
    : hotChannels.length + random.below(otherChannels)
}

/** Java's `Math.abs(Integer.reverse(number))`, which is negative for 1 because -2^31 has no opposite in 32 bits. */
function channelId(number: number): number {
  let reversed = 0
  for (let bit = 0; bit < 32; bit++) reversed = (reversed << 1) | ((number >>> bit) & 1)
  return reversed === -(2 ** 31) ? reversed : Math.abs(reversed)
}
