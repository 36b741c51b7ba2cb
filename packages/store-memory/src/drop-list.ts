import { TokenMap, type KeyGroupRange, type KeyToken } from '@millrace/core/store'

/** A record that deletes the cells under an outer token up to `seq`, in these groups. */
interface StoredDrop {
  readonly seq: number
  /** The groups of the subtask that wrote it. */
  readonly groups: KeyGroupRange
}

/** The drops of one piece of state, in any order. */
export class DropList {
  readonly #drops = new TokenMap<StoredDrop[]>()

  get isEmpty(): boolean {
    return this.#drops.size === 0
  }

  add(outer: KeyToken, drop: StoredDrop): void {
    const drops = this.#drops.get(outer)
    if (drops === undefined) this.#drops.add(outer, [drop])
    else if (!drops.some((each) => each.seq >= drop.seq && includes(each.groups, drop.groups)))
      drops.push(drop)
  }

  /** Whether one of the drops read so far deletes a cell. */
  covers(outer: KeyToken, seq: number, group: number): boolean {
    if (this.#drops.size === 0) return false
    const drops = this.#drops.get(outer)
    if (drops === undefined) return false
    return drops.some((drop) => seq <= drop.seq && includes(drop.groups, { first: group, last: group }))
  }
}

function includes(groups: KeyGroupRange, others: KeyGroupRange): boolean {
  return groups.first <= others.first && others.last <= groups.last
}
