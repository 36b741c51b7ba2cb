/**
 * What the user asked to drop: `OPERATOR` or `OPERATOR/PIECE`.
 *
 * A request is carried out once. It often stays in a service's command line, and then must not drop the state again
 * at the next restart. So each manifest holds the requests of the run that wrote it.
 */
export class DropRequests {
  readonly #requests: readonly string[]
  readonly #done: ReadonlySet<string>
  readonly #used = new Set<string>()

  /** `done` are the requests of the run that wrote the checkpoint. */
  constructor(requests: readonly string[], done: readonly string[]) {
    this.#requests = requests
    this.#done = new Set(done)
  }

  /** Whether to drop state. State that cannot be restored is dropped on every request, other state once. */
  covers(part: string, piece: string | undefined, isRestorable: boolean): boolean {
    const request = piece === undefined ? part : `${part}/${piece}`
    if (!this.#requests.includes(request) || (isRestorable && this.#done.has(request))) return false
    this.#used.add(request)
    return true
  }

  /** Requests that dropped nothing, each with the reason. */
  unused(checkpoint: number): readonly string[] {
    return this.#requests
      .filter((request) => !this.#used.has(request))
      .map((request) => {
        const reason = this.#done.has(request)
          ? `checkpoint ${checkpoint} is from a run with the same option, and the state is not dropped again`
          : `checkpoint ${checkpoint} has no state of that name`
        return `--drop-state ${request} drops nothing: ${reason}. Remove the option`
      })
  }
}
