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

// The user name is whatever the attacker likes, spaces and ' from 10.0.0.1 port 22' included. So the line is held by
// both ends: what comes before the name, and the last address in the line.
const pattern = new RegExp(
  [
    /^(?:(?<month>[A-Z][a-z]{2}) +(?<day>\d+) (?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)|(?<iso>\d{4}-\S+)) /,
    /\S+ sshd(?:-session)?\[\d+\]: (?:message repeated (?<times>\d+) times: \[ )?/,
    /(?:(?<accepted>Accepted) \S+|Failed password) for (?:invalid user )?(?<user>.*) from (?<address>\S+) port \d+/,
    /(?: ssh2)?(?:: .*)?\]?$/,
  ]
    .map((part) => part.source)
    .join(''),
)

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/**
 * The attempt that a line reports: an array of one, or of none for lines about other things.
 *
 * `message repeated 5 times: [ Failed password ... ]` stands for five failures more, all at the time of that line: the
 * system logger writes it instead of five equal lines, after the first of them was written as it was.
 *
 * Throws if a line looks like an attempt but its date is none.
 */
export function parseLine(line: string, year: number): readonly Login[] {
  const groups = pattern.exec(line)?.groups
  if (groups === undefined) return []
  const { iso, accepted, user = '', address = '', times = '1' } = groups
  const at = iso === undefined ? timeIn(year, groups) : Date.parse(iso)
  if (Number.isNaN(at)) throw new Error('the line does not begin with a date')
  return [{ at, address, user, isAccepted: accepted !== undefined, times: Number(times) }]
}

function timeIn(year: number, { month = '', day, hour, minute, second }: Record<string, string>): number {
  const number = months.indexOf(month)
  if (number === -1) return Number.NaN
  return Date.UTC(year, number, Number(day), Number(hour), Number(minute), Number(second))
}
