import type { GroupCoordinator, World } from '@millrace/connector-kafka/port'
import type { Clock } from '@millrace/world'
import { MemoryGroup } from './memory-group.ts'
import type { ProcessLink } from './process-link.ts'

/** The groups of a cluster. */
export class GroupList {
  readonly #clock: Clock
  readonly #groups = new Map<string, MemoryGroup>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  group(name: string): MemoryGroup {
    let group = this.#groups.get(name)
    if (group === undefined) this.#groups.set(name, (group = new MemoryGroup(name, this.#clock)))
    return group
  }

  /** The coordinator of a group, as a process asks it. */
  coordinator(name: string, link: ProcessLink, world: World): GroupCoordinator {
    const group = this.group(name)
    return {
      join: (request) => link.ask('group', world, () => group.join(request)),
      sync: (place, assignments) => link.ask('group', world, () => group.sync(place, assignments)),
      heartbeat: (place) => link.ask('group', world, () => group.heartbeat(place)),
      leave: (place) => link.ask('group', world, () => group.leave(place)),
    }
  }
}
