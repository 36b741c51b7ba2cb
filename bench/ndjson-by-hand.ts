import { createReadStream, createWriteStream } from 'node:fs'
import { once } from 'node:events'
import type { BidJobName } from './bid-jobs.ts'
import type { Bid } from './ndjson-bids.ts'

type Emit = (record: unknown) => void

/** A job as a loop. Bids are in order, so that a window ends with the first bid after it. */
interface Loop {
  bid(bid: Bid): void
  end?(): void
}

const loops: Readonly<Record<BidJobName, (emit: Emit) => Loop>> = {
  stateless,
  tumbling,
  sliding,
  running,
  total,
}

/** Runs a job over a file, by `JSON.parse`, a `Map` and `JSON.stringify`. */
export async function byHand(job: BidJobName, input: string, out: string): Promise<void> {
  const output = createWriteStream(out)
  let text = ''
  const loop = loops[job]((record) => {
    text += `${JSON.stringify(record)}\n`
  })
  let rest = ''
  for await (const chunk of createReadStream(input, { encoding: 'utf8', highWaterMark: 256 * 1024 })) {
    const lines = (rest + (chunk as string)).split('\n')
    rest = lines.pop()!
    for (const line of lines) loop.bid(JSON.parse(line) as Bid)
    if (text.length < 65_536) continue
    if (!output.write(text)) await once(output, 'drain')
    text = ''
  }
  loop.end?.()
  output.end(text)
  await once(output, 'finish')
}

function stateless(emit: Emit): Loop {
  return {
    bid: ({ auction, price, bidder }) => {
      if (auction % 2 === 0) emit({ auction, price: price * 2, bidder })
    },
  }
}

interface Highest {
  bids: number
  highest: number
}

function tumbling(emit: Emit): Loop {
  let start = Number.NaN
  let counts = new Map<number, Highest>()
  const end = () => {
    for (const [auction, { bids, highest }] of counts) emit({ auction, start, bids, highest })
    counts = new Map()
  }
  return {
    bid: ({ auction, price, dateTime }) => {
      const window = dateTime - (dateTime % 10_000)
      if (window !== start) end()
      start = window
      const found = counts.get(auction)
      if (found === undefined) counts.set(auction, { bids: 1, highest: price })
      else {
        found.bids++
        if (price > found.highest) found.highest = price
      }
    },
    end,
  }
}

function sliding(emit: Emit): Loop {
  const windows = new Map<number, Map<number, number>>()
  const endUpTo = (time: number) => {
    for (const [start, counts] of windows) {
      if (start + 10_000 > time) return
      for (const [auction, bids] of counts) emit({ auction, start, bids })
      windows.delete(start)
    }
  }
  return {
    bid: ({ auction, dateTime }) => {
      endUpTo(dateTime)
      const last = dateTime - (dateTime % 1000)
      for (let start = last - 9000; start <= last; start += 1000) {
        let counts = windows.get(start)
        if (counts === undefined) windows.set(start, (counts = new Map()))
        counts.set(auction, (counts.get(auction) ?? 0) + 1)
      }
    },
    end: () => endUpTo(Number.POSITIVE_INFINITY),
  }
}

function running(emit: Emit): Loop {
  const totals = new Map<number, Highest>()
  return {
    bid: ({ auction, price }) => {
      let total = totals.get(auction)
      if (total === undefined) totals.set(auction, (total = { bids: 0, highest: 0 }))
      total.bids++
      total.highest = Math.max(total.highest, price)
      emit({ auction, ...total })
    },
  }
}

function total(emit: Emit): Loop {
  const totals = new Map<number, number>()
  return {
    bid: ({ auction }) => totals.set(auction, (totals.get(auction) ?? 0) + 1),
    end: () => {
      for (const [auction, bids] of totals) emit({ auction, bids })
    },
  }
}
