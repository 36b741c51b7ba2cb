/** A request, from a line of a web server's log in the "combined" format. */
export interface Request {
  readonly address: string
  /** In milliseconds since the epoch. */
  readonly at: number
  readonly path: string
  readonly status: number
  readonly agent: string
  /** Whether it is a page, not a picture or a style sheet. */
  readonly isPage: boolean
}

const line = /^(\S+) \S+ \S+ \[([^\]]+)\] "(?:GET|POST|HEAD) ([^ "]+)[^"]*" (\d{3}) \S+ "[^"]*" "([^"]*)"$/

/** Throws for a line in another format. */
export function parseLine(text: string): Request {
  const [, address, at, target, status, agent] = line.exec(text) ?? []
  if (address === undefined) throw new Error('not a line of the combined log format')
  const path = target!.replace(/\?.*/, '')
  return {
    address,
    at: timeOf(at!),
    path,
    status: Number(status),
    agent: agent!,
    isPage: !/\.(?:css|js|png|jpg|svg|ico)$/.test(path),
  }
}

/** The time of `31/Jan/2026:12:00:00 +0100`. */
function timeOf(text: string): number {
  const time = Date.parse(text.replaceAll('/', ' ').replace(':', ' '))
  if (Number.isNaN(time)) throw new Error(`"${text}" is not a time`)
  return time
}
