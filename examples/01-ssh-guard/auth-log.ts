/** A login attempt, as a line of an OpenSSH log reports it. */
export interface Login {
  /** In milliseconds since the epoch; the log's local time is taken for UTC. */
  readonly at: number
  readonly address: string
  readonly user: string
  readonly isAccepted: boolean
  /** How many attempts the line stands for. */
  readonly times: number
}

/** The beginning of a line about an attempt; what is left is the user and where he came from. */
const attempt =
  /^(.+?) \S+ sshd(?:-session)?\[\d+\]: (?:message repeated (\d+) times: \[ )?(?:(Accepted) \S+|Failed password) for (?:invalid user )?/

// The user name is whatever the attacker likes, spaces and ' from 10.0.0.1 port 22' included. So it is held by both
// ends: what comes before it, and the last address in the line.
const userAndAddress = /^(.*) from (\S+) port \d+(?: ssh2)?(?:: .*)?\]?\s*$/

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/**
 * The attempt that a line reports: an array of one, or of none for lines about other things.
 *
 * `message repeated 5 times: [ Failed password ... ]` stands for five failures more, all at the time of that line: the
 * system logger writes it instead of five equal lines, after the first of them was written as it was.
 *
 * Throws for a line that begins like an attempt and does not go on like one, so that none is passed over in silence.
 */
export function parseLine(line: string, year: number): readonly Login[] {
  const begin = attempt.exec(line)
  if (begin === null) return []
  const [whole, date = '', times = '1', accepted] = begin
  const end = userAndAddress.exec(line.slice(whole.length))
  if (end === null) throw new Error('the line does not end with an address and a port')
  const [, user = '', address = ''] = end
  return [{ at: timeOf(date, year), address, user, isAccepted: accepted !== undefined, times: Number(times) }]
}

/** The time in `Dec 10 06:55:46`, or in a whole date as newer loggers write it. */
function timeOf(date: string, year: number): number {
  const [, month = '', day, hour, minute, second] = /^(\w+) +(\d+) (\d+):(\d+):(\d+)$/.exec(date) ?? []
  const at = /^\d{4}-/.test(date)
    ? Date.parse(date)
    : Date.UTC(year, monthOf(month), Number(day), Number(hour), Number(minute), Number(second))
  if (Number.isNaN(at)) throw new Error('the line does not begin with a date')
  return at
}

function monthOf(name: string): number {
  const month = months.indexOf(name)
  return month === -1 ? Number.NaN : month
}
