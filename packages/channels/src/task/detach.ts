import { requireFunction, running } from '@millrace/world'

/**
 * Starts a task that is not waited for and never cancelled: it may outlive the block that starts it.
 *
 * This is Go's bare `go`, under a name that readers notice. Nearly all work belongs in a `Scope`, which ends it and
 * reports its failure. A detached task that throws or rejects is an unhandled rejection: the process ends, unless
 * configured otherwise. Inspectors call the task `name`.
 *
 * @throws TypeError when `task` is no function.
 *
 * @example
 * detach(() => logs.flush())
 */
export function detach(task: () => Promise<void>, name?: string): void {
  requireFunction('detach', 'the task', task)
  void run(task, name)
}

// What the task throws before its first wait is a rejection like any other.
async function run(task: () => Promise<void>, name: string | undefined): Promise<void> {
  await running(task, detach, name)
}
