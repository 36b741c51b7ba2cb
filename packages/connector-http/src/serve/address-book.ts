import type { RunningServer, ServerAddress } from '../server.ts'

/** Tells callers where a server listens, also those that ask before it does. */
export class ServerAddressBook {
  #address: ServerAddress | undefined
  readonly #waiting: { resolve: (address: ServerAddress) => void; reject: (reason: Error) => void }[] = []

  /** Resolves once the server listens. Rejects if it cannot. */
  address(): Promise<ServerAddress> {
    if (this.#address !== undefined) return Promise.resolve(this.#address)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** Waits for a server that is being opened. */
  async opened<S extends RunningServer>(opening: Promise<S>): Promise<S> {
    let server: S
    try {
      server = await opening
    } catch (error) {
      for (const { reject } of this.#waiting.splice(0)) reject(error as Error)
      throw error
    }
    this.#address = server.address
    for (const { resolve } of this.#waiting.splice(0)) resolve(server.address)
    return server
  }

  /** The server no longer listens. */
  closed(): void {
    this.#address = undefined
  }
}
