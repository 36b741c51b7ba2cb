import type { Action } from './actions.ts'

/** Who the caller is. Each role may do what those before it may: a `viewer` reads, an `operator` steers, an `admin` also ends and deletes. */
export type Role = 'viewer' | 'operator' | 'admin'

/**
 * What a caller may do. `read`: everything that is only read. `operate`: actions that change nothing which cannot be changed back.
 * `administer`: those that end the job or delete dead letters, and profiles. `peek`: see live records.
 */
export type Right = 'read' | 'operate' | 'administer' | 'peek'

/** The right that each action needs. */
export const rightOfAction: Readonly<Record<Action['action'], Right>> = {
  checkpoint: 'operate',
  savepoint: 'operate',
  pause: 'operate',
  resume: 'operate',
  logLevel: 'operate',
  redrive: 'operate',
  stop: 'administer',
  drain: 'administer',
  drop: 'administer',
}

/** `GET /api/session`. */
export interface Session {
  readonly role: Role
  /** What the caller may do. */
  readonly rights: readonly Right[]
  /** The version of Millrace. */
  readonly version: string
  /** The server's clock, in milliseconds since the epoch: ages are differences to it. */
  readonly now: number
}
