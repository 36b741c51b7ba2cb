import { groups } from './groups.ts'
import { joins } from './joins.ts'
import type { Queries } from './query.ts'
import { stateless } from './stateless.ts'
import { windows } from './windows.ts'

const byName: Queries = { ...stateless, ...windows, ...joins, ...groups }

/** Every query but q6, which the original cannot run either, in the order of their numbers. */
export const queries: Queries = Object.fromEntries(
  Object.entries(byName).toSorted(([a], [b]) => Number(a.slice(1)) - Number(b.slice(1))),
)
