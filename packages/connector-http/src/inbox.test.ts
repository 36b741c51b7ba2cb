import { SimFs } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { openLife, request, segmentsIn, take } from '../test/inbox-life.ts'
import type { InboxPosition } from './inbox-position.ts'

const big = 'x'.repeat(500)

describe('the inbox', () => {
  test('delivers appended records in order', async () => {
    const life = await openLife({ fs: new SimFs() })
    await life.inbox.append(request([1, { a: 'ü' }]))
    await life.inbox.append(request(['three']))
    expect(await take(life)).toEqual([1, { a: 'ü' }, 'three'])
    await life.reader.close()
  })

  test('delivers nothing before it is durable', async () => {
    const life = await openLife({ fs: new SimFs() })
    await take(life)
    let isDurable = false
    const appended = life.inbox.append(request([1])).then(() => (isDurable = true))
    while (!isDurable) {
      expect(life.reader.poll(10).kind).toBe('pending')
      await Promise.resolve()
    }
    await appended
    await life.reader.ready()
    expect(life.reader.poll(10)).toMatchObject({ kind: 'records', values: [1] })
  })

  test('requests that arrive during a sync share the next one', async () => {
    const fs = new SimFs()
    const { inbox } = await openLife({ fs })
    const before = fs.operations
    const appended = Array.from({ length: 50 }, (_, index) => inbox.append(request([index])))
    await Promise.all(appended)
    // One write, one sync and one mark for the first request, and the same for all later ones.
    expect(fs.operations - before).toBe(6)
  })

  test('a position between any two records continues with the second', async () => {
    const fs = new SimFs()
    const life = await openLife({ fs })
    const sent = [[1, 2, 3], [4], [5, 6], [big], [big, big, big], [7]]
    for (const values of sent) await life.inbox.append(request(values))
    const positions: InboxPosition[] = [life.reader.position()]
    const all: unknown[] = []
    for (let i = 0; i < sent.flat().length; i++) {
      all.push(...(await take(life, 1)))
      positions.push(JSON.parse(JSON.stringify(life.reader.position())) as InboxPosition)
    }
    expect(all).toEqual(sent.flat())
    await life.reader.close()
    for (const [read, from] of positions.entries()) {
      const again = await openLife({ fs, from })
      expect(await take(again), `from record ${read}`).toEqual(all.slice(read))
      await again.reader.close()
    }
  })

  test('a full segment is followed by another, and acknowledging deletes the segments before the position', async () => {
    const fs = new SimFs()
    const life = await openLife({ fs })
    for (let i = 0; i < 10; i++) await life.inbox.append(request([i, big]))
    expect(segmentsIn(fs)).toHaveLength(3)
    await life.reader.acknowledge(life.reader.position())
    expect(segmentsIn(fs)).toHaveLength(3)
    await take(life)
    await life.reader.acknowledge(life.reader.position())
    expect(segmentsIn(fs)).toEqual(['inbox-0000000003.log'])
    expect(life.inbox.heldBytes).toBe(0)
    await life.reader.close()
    const again = await openLife({ fs, from: life.reader.position() })
    await again.inbox.append(request(['next']))
    expect(await take(again)).toEqual(['next'])
  })

  test('heldBytes counts bytes that no checkpoint covers, including those being written', async () => {
    const life = await openLife({ fs: new SimFs() })
    const empty = life.inbox.heldBytes
    const appended = life.inbox.append(request([big]))
    expect(life.inbox.heldBytes).toBe(empty + 502)
    await appended
    expect(life.inbox.heldBytes).toBeGreaterThan(502)
    await take(life)
    expect(life.inbox.heldBytes).toBeGreaterThan(502)
    await life.reader.acknowledge(life.reader.position())
    expect(life.inbox.heldBytes).toBe(0)
  })

  test('a bounded job reads what the inbox holds and ends', async () => {
    const fs = new SimFs()
    const life = await openLife({ fs })
    for (let i = 0; i < 10; i++) await life.inbox.append(request([i, big]))
    await life.reader.close()
    const bounded = await openLife({ fs, isBounded: true })
    expect(await take(bounded)).toHaveLength(20)
    expect(bounded.reader.poll(1)).toEqual({ kind: 'end' })
    await bounded.reader.ready()
  })

  test('a bounded job over an empty inbox ends at once', async () => {
    const { reader } = await openLife({ fs: new SimFs(), isBounded: true })
    await reader.ready()
    expect(await take({ reader } as never)).toEqual([])
    expect(reader.poll(1)).toEqual({ kind: 'end' })
  })

  test('a record has its place and its bytes', async () => {
    const life = await openLife({ fs: new SimFs() })
    await life.inbox.append(request([1]))
    await life.inbox.append(request([{ b: 2 }, { c: 3 }]))
    await life.reader.ready()
    const values: unknown[] = []
    const seen: string[] = []
    while (values.length < 3) {
      const poll = life.reader.poll(10)
      if (poll.kind !== 'records') await life.reader.ready()
      else {
        for (const [i, value] of poll.values.entries()) {
          values.push(value)
          seen.push(`${poll.origin?.place(i)}: ${new TextDecoder().decode(poll.origin?.raw(i))}`)
        }
      }
    }
    expect(seen[0]).toMatch(/^segment 1, byte \d+, record 0: 1$/)
    expect(seen[2]).toMatch(/^segment 1, byte \d+, record 1: \{"c":3\}$/)
  })

  test('catching up again is reported again', async () => {
    const life = await openLife({ fs: new SimFs() })
    expect(await take(life)).toEqual([])
    await life.inbox.append(request([1]))
    await life.reader.ready()
    expect(life.reader.poll(1).kind).toBe('records')
    await life.reader.ready()
    expect(life.reader.poll(1)).toEqual({ kind: 'pending', isCaughtUp: true })
  })

  test('closing and aborting end a wait', async () => {
    const closed = await openLife({ fs: new SimFs() })
    const readyToClose = closed.reader.ready()
    await closed.reader.close()
    await readyToClose
    const aborted = await openLife({ fs: new SimFs() })
    const readyToStop = aborted.reader.ready()
    aborted.abort.abort()
    await readyToStop
  })

  test('closing leaves no file open', async () => {
    const fs = new SimFs()
    const life = await openLife({ fs })
    for (let i = 0; i < 10; i++) await life.inbox.append(request([i, big]))
    await take(life, 5)
    await life.reader.close()
    expect(fs.openPaths()).toEqual([])
  })
})

describe('the inbox on a bad disk', () => {
  test('a full disk rejects appends, keeps accepted records, and accepts again when there is room', async () => {
    const fs = new SimFs()
    const life = await openLife({ fs })
    await life.inbox.append(request(['first']))
    for (const room of [0, 1, 100]) {
      fs.capacityBytes = sizeOf(fs) + room
      await expect(life.inbox.append(request([big]))).rejects.toMatchObject({ code: 'FS_FULL' })
      expect(sizeOf(fs), 'room is given back').toBe(fs.capacityBytes - room)
    }
    fs.capacityBytes = Infinity
    await life.inbox.append(request(['second']))
    expect(await take(life)).toEqual(['first', 'second'])
    await life.reader.close()
    const again = await openLife({ fs: fs.afterPowerLoss() })
    expect(await take(again)).toEqual(['first', 'second'])
  })

  test('an append survives a disk that is full when a new segment begins', async () => {
    const fs = new SimFs()
    const life = await openLife({ fs })
    await life.inbox.append(request([big, big, big, big]))
    fs.capacityBytes = sizeOf(fs)
    await expect(life.inbox.append(request([1]))).rejects.toMatchObject({ code: 'FS_FULL' })
    fs.capacityBytes = Infinity
    await life.inbox.append(request([1]))
    await life.reader.close()
    const again = await openLife({ fs: fs.afterPowerLoss() })
    expect(await take(again)).toEqual([big, big, big, big, 1])
  })

  test('a torn append that could not be cut off at once is cut off before the next append or segment', async () => {
    for (const segmentBytes of [1, 100_000]) {
      const fs = new SimFs()
      const life = await openLife({ fs, segmentBytes })
      await life.inbox.append(request(['a']))
      // Room for the next segment's head and part of the block.
      fs.capacityBytes = sizeOf(fs) + 100
      fs.failNext('truncate')
      await expect(life.inbox.append(request([big]))).rejects.toMatchObject({ code: 'FS_FULL' })
      fs.capacityBytes = Infinity
      await life.inbox.append(request(['b']))
      expect(await take(life)).toEqual(['a', 'b'])
      await life.reader.close()
      expect(await take(await openLife({ fs: fs.afterPowerLoss() }))).toEqual(['a', 'b'])
    }
  })

  test('a failed sync ends the inbox: nothing more is acknowledged and the reader fails', async () => {
    const fs = new SimFs()
    const life = await openLife({ fs })
    await life.inbox.append(request([1]))
    expect(await take(life)).toEqual([1])
    const ready = life.reader.ready()
    fs.failNext('sync')
    await expect(life.inbox.append(request([2]))).rejects.toMatchObject({ code: 'FS_SYNC_FAILED' })
    await expect(life.inbox.append(request([3]))).rejects.toMatchObject({ code: 'FS_SYNC_FAILED' })
    await ready
    expect(() => life.reader.poll(1)).toThrow(expect.objectContaining({ code: 'FS_SYNC_FAILED' }))
  })

  test('after a failed sync the next process uses only a copy', async () => {
    const fs = new SimFs()
    const life = await openLife({ fs })
    await life.inbox.append(request([1]))
    fs.failNext('sync')
    await life.inbox.append(request([2])).catch(() => undefined)
    await life.reader.close()
    const next = await openLife({ fs, from: life.reader.position() })
    const read = await take(next)
    await next.inbox.append(request([3]))
    read.push(...(await take(next)))
    const position = next.reader.position()
    const last = await openLife({ fs: fs.afterPowerLoss(), from: position })
    expect(await take(last)).toEqual([])
    expect(read.at(-1)).toBe(3)
  })

  test('accepted records survive a sync that failed when the inbox was first opened', async () => {
    const calm = new SimFs()
    await (await openLife({ fs: calm })).reader.close()
    const syncs = calm.describe().split('syncDirectory').length - 1
    for (let failing = 1; failing <= syncs; failing++) {
      const fs = new SimFs()
      fs.failNext('syncDirectory', failing)
      await expect(openLife({ fs })).rejects.toMatchObject({ code: 'FS_SYNC_FAILED' })
      const next = fs.afterKill()
      const life = await openLife({ fs: next })
      await life.inbox.append(request([1]))
      const last = await openLife({ fs: next.afterPowerLoss() })
      expect(await take(last), `sync ${failing} of ${syncs}`).toEqual([1])
    }
  })
})

describe('requests with a key', () => {
  test('are remembered after a restart, in new segments and after their segment was deleted', async () => {
    const fs = new SimFs()
    const life = await openLife({ fs, rememberedMax: 3 })
    for (let i = 0; i < 6; i++) {
      await life.inbox.append(request([i, big], `key-${i}`))
      await life.inbox.append(request([i, big]))
    }
    await take(life)
    await life.reader.acknowledge(life.reader.position())
    await life.reader.close()
    const again = await openLife({ fs: fs.afterPowerLoss(), from: life.reader.position(), rememberedMax: 3 })
    expect(again.inbox.remembered.list().map(({ key }) => key)).toEqual(['key-3', 'key-4', 'key-5'])
    expect(again.inbox.remembered.get('key-5')).toEqual({ key: 'key-5', fingerprint: 2, accepted: 2 })
  })

  test('are not remembered when they were rejected', async () => {
    const fs = new SimFs()
    const { inbox } = await openLife({ fs })
    fs.capacityBytes = 0
    await inbox.append(request([1], 'key')).catch(() => undefined)
    expect(inbox.remembered.get('key')).toBeUndefined()
  })
})

function sizeOf(fs: SimFs): number {
  return fs.paths().reduce((sum, path) => sum + (fs.peek(path)?.length ?? 0), 0)
}
