/** A bid, about as long as those of Nexmark. */
export interface Bid {
  readonly auction: number
  readonly bidder: number
  readonly price: number
  readonly channel: string
  readonly url: string
  readonly dateTime: number
  readonly extra: string
}

const letters =
  'the quick brown fox jumps over the lazy dog and runs along the river to the old mill '.repeat(4)

/** The `n`th bid as a line: the same in every run. Bids are a millisecond apart. */
export function bidLine(n: number, auctions: number): string {
  const draw = (salt: number) => (Math.imul(n + 1, salt) >>> 8) & 0xff_ffff
  const item = letters.slice(draw(40_503) % 80, (draw(40_503) % 80) + 12).replaceAll(' ', '_')
  const bid: Bid = {
    auction: 1000 + (draw(2_654_435_761) % auctions),
    bidder: 2000 + (draw(2_246_822_519) % 9000),
    price: 100 + (draw(3_266_489_917) % 10_000_000),
    channel: n % 2 === 0 ? 'Google' : `channel-${draw(668_265_263) % 10_000}`,
    url: `https://www.nexmark.com/${item}/item.htm?query=1`,
    dateTime: 1_436_918_400_000 + n,
    extra: letters.slice(draw(374_761_393) % 100, (draw(374_761_393) % 100) + 45 + (n % 40)),
  }
  return `${JSON.stringify(bid)}\n`
}
