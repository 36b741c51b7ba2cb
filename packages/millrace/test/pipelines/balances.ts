/** The balance of each account after each of its bookings. Amounts above a limit cannot be booked. */
import { files } from '@millrace/connector-files'
import { deadLetter, output, pipeline, state } from 'millrace'

/** A line of the input. */
export interface Booking {
  readonly n: number
  readonly account: string
  readonly amount: number
}

/** A line of the output. */
export interface Balance {
  readonly n: number
  readonly account: string
  readonly balance: number
}

export default pipeline('balances', (p) => {
  const directory = p.parameter('directory', '.')
  const limit = Number(p.parameter('limit', '10'))
  p.from('bookings', files.readNdjson<Booking>(`${directory}/bookings.ndjson`))
    .keyBy(({ account }) => account)
    .process('book', {
      output: output<Balance>(),
      state: { balance: state.value<number>() },
      onRecord({ value: { n, account, amount } }, { state: { balance }, emit }) {
        if (amount > limit) throw new RangeError(`${amount} is over the limit`)
        const after = (balance.get() ?? 0) + amount
        balance.set(after)
        emit({ n, account, balance: after })
      },
      onError: deadLetter('letters'),
    })
    .to('balances', files.writeNdjson(`${directory}/balances.ndjson`))
})
