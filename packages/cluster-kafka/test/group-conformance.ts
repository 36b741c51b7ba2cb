import type { GroupMember, GroupOptions, KafkaPort, MemberMetadata } from '@millrace/connector-kafka/port'
import { expect, test } from 'vitest'
import type { PortSetting } from './port-parts.ts'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** A member that keeps what it hears. The leader gives each member the names of all. */
class Heard implements GroupOptions {
  readonly group: string
  readonly instance?: string
  readonly sessionMs = 3_000
  readonly heartbeatMs = 300
  readonly rebalanceMs = 10_000
  readonly protocol: string
  name: string
  readonly assignments: string[] = []
  readonly generations: number[] = []
  readonly losses: string[] = []
  readonly led: (readonly MemberMetadata[])[] = []
  isFenced = false
  member!: GroupMember

  constructor(group: string, name: string, more: { instance?: string; protocol?: string } = {}) {
    this.group = group
    this.name = name
    this.protocol = more.protocol ?? 'test-1'
    if (more.instance !== undefined) this.instance = more.instance
  }

  static async join(port: KafkaPort, ...of: ConstructorParameters<typeof Heard>): Promise<Heard> {
    const heard = new Heard(...of)
    heard.member = await port.join(heard)
    return heard
  }

  /** The names of the members of its last assignment. */
  get last(): string | undefined {
    return this.assignments.at(-1)
  }

  metadata(): Uint8Array {
    return encode(this.name)
  }

  assign(members: readonly MemberMetadata[]): ReadonlyMap<string, Uint8Array> {
    this.led.push(members)
    const names = members.map(({ metadata }) => decode(metadata)).toSorted()
    return new Map(
      members.map(({ member, metadata }) => [member, encode(`${decode(metadata)} of ${names.join()}`)]),
    )
  }

  assigned(assignment: Uint8Array, generation: number): void {
    this.assignments.push(decode(assignment))
    this.generations.push(generation)
  }

  lost(reason: string, isFenced: boolean): void {
    this.losses.push(reason)
    this.isFenced ||= isFenced
  }
}

/** Waits until each of these members, named a, b and so on, has the assignment of a group with just them. */
async function agreed(setting: PortSetting, ...members: readonly Heard[]): Promise<void> {
  const names = members.map(({ name }) => name).toSorted()
  await setting.until(
    `${names.join()} are the group`,
    () =>
      members.every(({ name, last }) => last === `${name} of ${names.join()}`) &&
      new Set(members.map(({ generations }) => generations.at(-1))).size === 1,
  )
}

/** What members of a group are promised. */
export function groupConformance(opened: () => Promise<PortSetting>): void {
  test('one, two and three members: each generation has one leader, which sees all', async () => {
    const setting = await opened()
    const group = setting.fresh('group')
    const members: Heard[] = []
    for (const name of ['a', 'b', 'c']) {
      const { port } = await setting.process()
      members.push(await Heard.join(port, group, name))
      await agreed(setting, ...members)
    }
    expect(new Set(members.map(({ member }) => member.id)).size).toBe(3)
    const generations = members[0]!.generations
    expect(generations).toEqual(generations.toSorted((one, other) => one - other))
    // One of them has led the last generation, and has got the metadata of three.
    expect(members.filter(({ led }) => led.at(-1)?.length === 3)).toHaveLength(1)
    expect(members.flatMap(({ losses }) => losses)).toEqual([])
  })

  test('a member that leaves: the others are formed anew at once', async () => {
    const setting = await opened()
    const group = setting.fresh('group')
    const [one, two] = [await setting.process(), await setting.process()]
    const a = await Heard.join(one.port, group, 'a')
    const b = await Heard.join(two.port, group, 'b')
    await agreed(setting, a, b)
    const leftAt = setting.clock.monotonic()
    await a.member.leave()
    await agreed(setting, b)
    expect(setting.clock.monotonic() - leftAt).toBeLessThan(b.sessionMs)
    expect(a.losses).toEqual([])
  })

  test('a member that dies: it is removed after its session, and the others keep their ids', async () => {
    const setting = await opened()
    const group = setting.fresh('group')
    const [one, two] = [await setting.process(), await setting.process()]
    const a = await Heard.join(one.port, group, 'a')
    const b = await Heard.join(two.port, group, 'b')
    await agreed(setting, a, b)
    const { id } = b.member
    const { confirmedAt } = a.member
    one.kill()
    await agreed(setting, b)
    expect(setting.clock.monotonic() - confirmedAt).toBeGreaterThanOrEqual(a.sessionMs)
    expect(b.member.id).toBe(id)
    expect(b.losses).toEqual([])
  })

  metadataConformance(opened)
  heartbeatConformance(opened)
  staticConformance(opened)
}

function metadataConformance(opened: () => Promise<PortSetting>): void {
  test('a member whose metadata has changed: it joins again with its id, whether it leads or not', async () => {
    const setting = await opened()
    const group = setting.fresh('group')
    const members: Heard[] = []
    for (const name of ['a', 'b']) {
      const { port } = await setting.process()
      members.push(await Heard.join(port, group, name))
    }
    await agreed(setting, ...members)
    const ids = members.map(({ member }) => member.id)
    for (const member of members) {
      member.name = `${member.name} anew`
      member.member.rejoin()
      await agreed(setting, ...members)
    }
    expect(members.map(({ member }) => member.id)).toEqual(ids)
    expect(members.flatMap(({ losses }) => losses)).toEqual([])
  })

  test('a member that asks again and again: the last metadata counts', async () => {
    const setting = await opened()
    const group = setting.fresh('group')
    const { port } = await setting.process()
    const a = await Heard.join(port, group, 'a')
    const b = await Heard.join(port, group, 'b')
    for (const number of [1, 2, 3]) {
      a.name = `a${number}`
      a.member.rejoin()
      await Promise.resolve()
      b.name = `b${number}`
      b.member.rejoin()
    }
    await agreed(setting, a, b)
  })

  test('members that have their assignments remain after the time for a rebalance', async () => {
    const setting = await opened()
    const group = setting.fresh('group')
    const members: Heard[] = []
    for (const name of ['a', 'b', 'c', 'd']) {
      const { port } = await setting.process()
      members.push(await Heard.join(port, group, name))
    }
    await agreed(setting, ...members)
    const heard = members.map(({ assignments }) => assignments.length)
    const until = setting.clock.monotonic() + 11_000
    await setting.until('the time for a rebalance is over', () => setting.clock.monotonic() > until)
    expect(members.flatMap(({ losses }) => losses)).toEqual([])
    expect(members.map(({ assignments }) => assignments.length)).toEqual(heard)
  })
}

function heartbeatConformance(opened: () => Promise<PortSetting>): void {
  test('a member is confirmed by heartbeats', async () => {
    const setting = await opened()
    const { port } = await setting.process()
    const a = await Heard.join(port, setting.fresh('group'), 'a')
    await agreed(setting, a)
    const { confirmedAt } = a.member
    await setting.until('it is confirmed again', () => a.member.confirmedAt > confirmedAt)
    expect(a.assignments).toHaveLength(1)
  })

  test('another protocol is refused with the reason', async () => {
    const setting = await opened()
    const group = setting.fresh('group')
    const [one, two] = [await setting.process(), await setting.process()]
    const a = await Heard.join(one.port, group, 'a')
    await agreed(setting, a)
    const joining = Heard.join(two.port, group, 'b', { protocol: 'test-2' })
    await expect(joining).rejects.toThrow(group)
    await expect(joining).rejects.toThrow('another protocol')
    expect(a.last).toBe('a of a')
  })
}

function staticConformance(opened: () => Promise<PortSetting>): void {
  test('a static member that restarts: it gets its assignment again, and nothing changes for others', async () => {
    const setting = await opened()
    const group = setting.fresh('group')
    const [one, two, again] = [
      await setting.process(),
      await setting.process(),
      await setting.process(),
    ] as const
    const a = await Heard.join(one.port, group, 'a', { instance: 'machine-a' })
    const b = await Heard.join(two.port, group, 'b', { instance: 'machine-b' })
    await agreed(setting, a, b)
    const heard = b.assignments.length
    await a.member.leave()
    one.kill()
    const restarted = await Heard.join(again.port, group, 'a', { instance: 'machine-a' })
    await agreed(setting, restarted, b)
    expect(b.assignments).toHaveLength(heard)
    expect(restarted.generations).toEqual(b.generations.slice(-1))
    expect(restarted.led).toEqual([])
    // It is a member as before: also of the next generation.
    restarted.name = 'a anew'
    restarted.member.rejoin()
    await agreed(setting, restarted, b)
  })

  test('a static member whose name another process takes is fenced', async () => {
    const setting = await opened()
    const group = setting.fresh('group')
    const [one, two] = [await setting.process(), await setting.process()]
    const earlier = await Heard.join(one.port, group, 'a', { instance: 'machine-a' })
    await agreed(setting, earlier)
    const newest = await Heard.join(two.port, group, 'a', { instance: 'machine-a' })
    await agreed(setting, newest)
    await setting.until('the earlier one is fenced', () => earlier.isFenced)
    expect(earlier.losses[0]).toContain('machine-a')
    expect(newest.losses).toEqual([])
    await newest.member.leave()
  })
}
