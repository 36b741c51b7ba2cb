/** Generated payments: a day at a card company, from a seed. */
import { generator, type RecordSeed } from '@millrace/connector-generator'
import type { Source } from 'millrace'

/** A card payment. */
export interface Payment {
  readonly id: number
  readonly card: string
  readonly amount: number
  readonly city: string
  /** In milliseconds since the epoch. */
  readonly at: number
}

/** The positions of the cities: degrees north and east. */
export const cities: Readonly<Record<string, readonly [north: number, east: number]>> = {
  Berlin: [52.5, 13.4],
  Lisbon: [38.7, -9.1],
  Nairobi: [-1.3, 36.8],
  Osaka: [34.7, 135.5],
  Lima: [-12.0, -77.0],
  Toronto: [43.7, -79.4],
}

const cityNames = Object.keys(cities)
const cards = 2_000

/**
 * Lines of JSON, as received from a network; one in 500 is damaged. Event time runs 20 times as fast as the
 * clock.
 */
export function paymentLines(options: { readonly rate: number; readonly count: number }): Source<string> {
  return generator.generate({
    ...options,
    seed: 20_260_101,
    startAt: Date.UTC(2026, 0, 1, 12),
    every: '200ms',
    maxOutOfOrderness: '2s',
    make: (seed) => {
      const line = JSON.stringify(payment(seed))
      return seed.index % 500 === 499 ? line.slice(0, -12) : line
    },
  })
}

function payment({ index, time, random }: RecordSeed): Payment {
  const number = holder(index) ?? random.int(cards)
  // Most people pay near home; sometimes a copied card is used at the other end of the world.
  const isCopied = index % 700 === 650
  return {
    id: index,
    card: `card-${number}`,
    amount: Math.round(5 + 200 * random.next() ** 3),
    city: cityNames[(number + (isCopied ? 3 : 0)) % cityNames.length]!,
    at: time,
  }
}

/** The card being abused at the moment, or whose owner has just paid before its copy does. */
function holder(index: number): number | undefined {
  const round = Math.floor(index / 700)
  const step = index % 700
  if (step >= 300 && step < 380 && step % 10 === 0) return (round * 37) % cards
  if (step === 640 || step === 650) return (round * 53 + 11) % cards
  return undefined
}
