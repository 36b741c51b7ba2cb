/** A program that is found on the path, or fetched from Debian's packages. */
export interface Installable {
  readonly name: string
  /** The program, and the Debian packages that have it and its libraries. */
  readonly program: string
  readonly packages: readonly string[]
  /** Fetches also what these packages depend on and this machine lacks. Default false. */
  readonly withDependencies?: boolean
  /** Where the program is among its unpacked packages. Default: in a directory called `bin` or `sbin`. */
  readonly file?: string
  /** For a server in Java: what Maven fetches, with everything that it needs. */
  readonly artifacts?: readonly Artifact[]
}

/** A server that tests can ask for. */
export interface Service extends Installable {
  /** An address in this environment variable is used instead of starting a server. */
  readonly variable: string
  /** How many ports each process listens on. Default 1. */
  readonly ports?: number
  /** How many processes are one server. Default 1. */
  readonly members?: number
  /** Writes what the server reads at its start; `run` runs its program. Called once for each process. */
  prepare?(place: Place, run: (args: readonly string[]) => Promise<void>): Promise<void>
  /** A shell script that starts the program, whose file is its first argument. Default: the program is started itself. */
  readonly script?: string
  /** What it is started with: it must keep its data in the directory and listen on loopback only. */
  arguments(place: Place): readonly string[]
  url(port: number): string
  /** Resolves to whether the process at this port answers. */
  answers(port: number): Promise<boolean>
}

/** Where a process listens and keeps its data. */
export interface Place {
  /** From 1 on, and the ports of all processes of the server, in this order. */
  readonly member: number
  readonly portsOfAll: readonly (readonly number[])[]
  readonly port: number
  /** All its ports, `port` first. */
  readonly ports: readonly number[]
  readonly directory: string
  /** The directory of what Maven has fetched. */
  readonly jars: string
}

/** A package of Maven. */
export interface Artifact {
  readonly group: string
  readonly name: string
  readonly version: string
  /** Whether it is fetched without what it needs. Default false. */
  readonly isAlone?: boolean
}
