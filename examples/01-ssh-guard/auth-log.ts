/** A login attempt, from one line of an OpenSSH log. */
export interface Login {
  /** In milliseconds since the epoch; the log's local time is read as UTC. */
  readonly at: number
  readonly address: string
  readonly user: string
  readonly isAccepted: boolean
  /** How many attempts the line reports. */
  readonly times: number
}

/** The beginning of a line about an attempt; the rest is the user and the address. */
const attempt =
  /^(.+?) \S+ sshd(?:-session)?\[\d+\]: (?:message repeated (\d+) times: \[ )?(?:(Accepted) \S+|Failed password) for (?:invalid user )?/

// The attacker chooses the user name, which may contain spaces and ' from 10.0.0.1 port 22'. So it is
// delimited by the text before it and by the last address in the line.
const userAndAddress = /^(.*) from (\S+) port \d+(?: ssh2)?(?:: .*)?\]?\s*$/

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/**
 * Parses a line: returns an array of one attempt, or an empty array for unrelated lines.
 *
 * `message repeated 5 times: [ Failed password ... ]` means five more failures, all at the time of that line:
 * the system logger writes it instead of five equal lines, after writing the first.
 *
 * Throws for a line that begins like an attempt but is malformed, so that no attempt is ignored silently.
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

/** Parses `Dec 10 06:55:46`, or a full date as newer loggers write it. */
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
