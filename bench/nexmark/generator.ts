/**
 * Nexmark's generator, with the arithmetic of the original one (nexmark/nexmark, in Java) and two repairs: it
 * is seeded, and each event is drawn from a seed of its own. So the same options give the same events, and any
 * event can be computed alone.
 *
 * Kept as they are, because results are compared with those of other engines: ids start at 2, so auction 1000
 * and person 1000 never exist although many events name them; the ids of bidders are 1000 higher than those of
 * persons; up to ten auctions and persons are named before they exist.
 */
import type { Auction, Bid, NexmarkEvent, Person } from './events.ts'
import { channels, drawChannel, padding, text } from './random-text.ts'
import { SplittableRandom } from './splittable-random.ts'

/** Options of the generator. */
export interface GeneratorOptions {
  /** Events per second of event time. Default 100,000. */
  readonly rate?: number
  /** Default 1. */
  readonly seed?: number
  /** How many successive events are put into another order. Default 1: none. */
  readonly outOfOrderGroup?: number
}

/** Event time of the first event: a multiple of 10 s, the same in every run. */
export const firstTime = 1_436_918_400_000

const firstEventId = 1
const firstEventNumber = 1
const idsFrom = 1_000
/** Of 50 successive events one is a person, three are auctions, and the others bids. */
const eventsPerRound = 50
const auctionsPerRound = 3
const auctionsInFlight = 100
const activePeople = 1_000
/** How many auctions and persons may be named before they exist. */
const lead = 10
/** Hot auctions, sellers and bidders change with every hundredth id. */
const hotEvery = 100
const categories = 5

const list = (words: string): readonly string[] => words.split(',')
const firstNames = list('Peter,Paul,Luke,John,Saul,Vicky,Kate,Julie,Sarah,Deiter,Walter')
const lastNames = list('Shultz,Abrams,Spencer,White,Bartels,Walton,Smith,Jones,Noris')
const states = list('AZ,CA,ID,OR,WA,WY')
const cities = list('Phoenix,Los Angeles,San Francisco,Boise,Portland,Bend,Redmond,Seattle,Kent,Cheyenne')

/**
 * Computes events by their number.
 *
 * @example
 * const generator = new NexmarkGenerator({ rate: 1_000 })
 * const events = Array.from({ length: 50 }, (_, n) => generator.event(n))
 */
export class NexmarkGenerator {
  readonly #microsecondsEach: number
  readonly #seed: number
  readonly #group: number
  readonly #random = new SplittableRandom(0)

  constructor({ rate = 100_000, seed = 1, outOfOrderGroup = 1 }: GeneratorOptions = {}) {
    this.#microsecondsEach = 1e6 / rate
    this.#seed = seed
    this.#group = outOfOrderGroup
  }

  /** The event with this number, from 0. */
  event(number: number): NexmarkEvent {
    const adjusted = this.#adjusted(number)
    const eventId = firstEventId + adjusted
    const random = this.#random
    // Seeds of different runs do not overlap: there are fewer than 2^40 events.
    random.reseed(this.#seed * 2 ** 40 + eventId)
    const time = this.#time(adjusted)
    const place = eventId % eventsPerRound
    const round = Math.floor(eventId / eventsPerRound)
    if (place === 0) return person(random, round, time)
    if (place <= auctionsPerRound) {
      const auctionId = round * auctionsPerRound + place - 1
      return this.#auction(random, auctionId, round, adjusted, time)
    }
    return bid(random, round * auctionsPerRound + auctionsPerRound - 1, round, time)
  }

  /** The number that decides what the event is: a permutation of each group. */
  #adjusted(number: number): number {
    const group = this.#group
    const n = firstEventNumber + number
    return Math.floor(n / group) * group + ((n * 953) % group)
  }

  #time(adjusted: number): number {
    return firstTime + Math.floor(Math.floor(adjusted * this.#microsecondsEach) / 1_000)
  }

  #auction(random: SplittableRandom, id: number, round: number, adjusted: number, time: number): Auction {
    const seller =
      idsFrom + (random.below(4) > 0 ? Math.floor(round / hotEvery) * hotEvery : drawPerson(random, round))
    const category = 10 + random.below(categories)
    const initialBid = drawPrice(random)
    const expires = time + this.#duration(random, adjusted, time)
    const itemName = text(random, 20)
    const description = text(random, 100)
    const reserve = initialBid + drawPrice(random)
    const extra = padding(random, 48 + itemName.length + description.length, 500)
    return {
      kind: 'auction',
      id: idsFrom + id,
      itemName,
      description,
      initialBid,
      reserve,
      dateTime: time,
      expires,
      seller,
      category,
      extra,
    }
  }

  /** So long that about a hundred auctions are open at a time. */
  #duration(random: SplittableRandom, adjusted: number, time: number): number {
    const eventsInFlight = Math.floor((auctionsInFlight * eventsPerRound) / auctionsPerRound)
    const horizon = this.#time(adjusted + eventsInFlight) - time
    return 1 + random.below(Math.max(horizon * 2, 1))
  }
}

function person(random: SplittableRandom, round: number, time: number): Person {
  const name = `${pick(random, firstNames)} ${pick(random, lastNames)}`
  const emailAddress = `${text(random, 7)}@${text(random, 5)}.com`
  const fourDigits = (): string => String(random.below(10_000)).padStart(4, '0')
  const creditCard = `${fourDigits()} ${fourDigits()} ${fourDigits()} ${fourDigits()}`
  const city = pick(random, cities)
  const state = pick(random, states)
  const size = 8 + name.length + emailAddress.length + creditCard.length + city.length + state.length
  const extra = padding(random, size, 200)
  return {
    kind: 'person',
    id: idsFrom + round,
    name,
    emailAddress,
    creditCard,
    city,
    state,
    dateTime: time,
    extra,
  }
}

function bid(random: SplittableRandom, lastAuction: number, round: number, time: number): Bid {
  const auction =
    idsFrom +
    (random.below(2) > 0 ? Math.floor(lastAuction / hotEvery) * hotEvery : drawAuction(random, lastAuction))
  // The original adds the first id twice.
  const bidder =
    2 * idsFrom +
    (random.below(4) > 0 ? Math.floor(round / hotEvery) * hotEvery + 1 : drawPerson(random, round))
  const price = drawPrice(random)
  const { name, url } = channels[drawChannel(random)]!
  const extra = padding(random, 32, 100)
  return { kind: 'bid', auction, bidder, price, channel: name, url, dateTime: time, extra }
}

/** One of the last hundred auctions, or one of the next ten. */
function drawAuction(random: SplittableRandom, lastAuction: number): number {
  const first = Math.max(lastAuction - auctionsInFlight, 0)
  return first + random.below(lastAuction - first + 1 + lead)
}

/** One of the last thousand persons, or one of the next ten. */
function drawPerson(random: SplittableRandom, round: number): number {
  const people = round + 1
  const active = Math.min(people, activePeople)
  return people - active + random.below(active + lead)
}

/** From 1.00 to 1,000,000.00, each power of ten as often as the others. */
function drawPrice(random: SplittableRandom): number {
  return Math.round(10 ** (random.fraction() * 6) * 100)
}

function pick(random: SplittableRandom, words: readonly string[]): string {
  return words[random.below(words.length)]!
}
