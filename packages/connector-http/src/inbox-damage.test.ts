import { FreezingFs, SimFs, SimOwners } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { directory, openLife, request, segmentsIn, take } from '../test/inbox-life.ts'
import type { InboxPosition } from './inbox-position.ts'

const big = 'x'.repeat(500)

describe('damaged inbox files', () => {
  test('a torn end is cut off with a warning, and other damage is an error', async () => {
    const fs = new SimFs()
    const life = await openLife({ fs, segmentBytes: 100_000 })
    for (const value of ['a', 'b', 'c']) await life.inbox.append(request([value, big]))
    await life.reader.close()
    const path = `${directory}/inbox-0000000001.log`
    const size = fs.peek(path)?.length ?? 0
    for (const place of [size / 2, size - 20]) {
      const damaged = fs.afterPowerLoss()
      damaged.corrupt(path, Math.floor(place), 0x10)
      await expect(openLife({ fs: damaged })).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' })
    }
    const torn = fs.afterPowerLoss()
    await cutTo(torn, path, size - 20)
    const warnings: string[] = []
    const read = await take(await openLife({ fs: torn, warn: (message) => warnings.push(message) }))
    expect(read).toEqual(['a', big, 'b', big])
    expect(warnings).toEqual([
      expect.stringMatching(/the last \d+ bytes are an incomplete block and are cut off/),
    ])
  })

  test.each(['was closed', 'was killed'])(
    'every flipped bit and every zeroed range is detected in each segment of an inbox that %s',
    async (how) => {
      const sent: string[] = []
      const fs = new SimFs()
      const life = await openLife({ fs, segmentBytes: 150 })
      for (let value = 'a'; segmentsIn(fs).length < 3; value += 'a') {
        await life.inbox.append(request([value], value))
        sent.push(value)
      }
      if (how === 'was closed') await life.reader.close()
      const disk = fs.afterKill()
      for (const path of disk.paths()) {
        const bytes = disk.peek(path)!
        for (let offset = 0; offset < bytes.length; offset++) {
          for (const flips of [true, false]) {
            const damaged = Uint8Array.from(bytes)
            if (flips) damaged[offset]! ^= 1 << (offset % 8)
            else damaged.fill(0, offset, offset + 20)
            disk.put(path, damaged)
            const warnings: string[] = []
            const warn = (message: string): void => void warnings.push(message)
            const opening = openLife({ fs: disk, segmentBytes: 150, warn })
            const read = await opening.then(take).catch((error: unknown) => error)
            // Damage to a mark is harmless. A damaged range that covers the last block and its mark looks
            // like a torn append.
            if (Array.isArray(read) && !flips && warnings.length > 0)
              expect(sent.slice(0, -1)).toEqual(read.slice(0, sent.length - 1))
            else if (Array.isArray(read)) expect(read, `${path} ${offset} of ${bytes.length}`).toEqual(sent)
            else expect(read).toMatchObject({ code: 'CHECKPOINT_CORRUPT' })
          }
        }
        disk.put(path, bytes)
      }
    },
  )

  test('a complete segment that was truncated or replaced by another is detected', async () => {
    const fs = new SimFs()
    const life = await openLife({ fs })
    for (let i = 0; i < 10; i++) await life.inbox.append(request([i, big]))
    await life.reader.close()
    const [first, second] = segmentsIn(fs).map((name) => `${directory}/${name}`)
    for (let size = life.inbox.log.start.offset; size < fs.peek(first!)!.length; size += 97) {
      const cut = fs.afterPowerLoss()
      await cutTo(cut, first!, size)
      await expect(openLife({ fs: cut })).rejects.toThrow(/has \d+ bytes, and had \d+ when it was complete/)
    }
    const swapped = fs.afterPowerLoss()
    swapped.put(second!, swapped.peek(first!)!)
    await expect(openLife({ fs: swapped })).rejects.toThrow(/contains segment 1 of a log/)
  })

  test('a truncated or missing newest segment is detected if a checkpoint knows it', async () => {
    const fs = new SimFs()
    const life = await openLife({ fs })
    for (let i = 0; i < 10; i++) await life.inbox.append(request([i, big]))
    await take(life, 1)
    const from = life.reader.position()
    await life.reader.close()
    const newest = `${directory}/${segmentsIn(fs).at(-1)}`
    const cut = fs.afterPowerLoss()
    await cutTo(cut, newest, 80)
    await expect(openLife({ fs: cut, from })).rejects.toThrow(/lost its end/)
    const lost = fs.afterPowerLoss()
    lost.lose(newest)
    await expect(openLife({ fs: lost, from })).rejects.toThrow(/is missing/)
  })

  test('damage in a complete segment fails the reader', async () => {
    const fs = new SimFs()
    const life = await openLife({ fs })
    for (let i = 0; i < 10; i++) await life.inbox.append(request([i, big]))
    await life.reader.close()
    const path = `${directory}/inbox-0000000001.log`
    fs.corrupt(path, (fs.peek(path)?.length ?? 0) - 3, 0x01)
    const again = await openLife({ fs })
    await expect(take(again)).rejects.toThrow(/inbox-0000000001\.log is damaged at byte \d+/)
  })

  test.each(['inbox-0000000001.log', 'inbox-0000000002.log'])('the loss of %s is detected', async (name) => {
    const fs = new SimFs()
    const life = await openLife({ fs })
    const from = life.reader.position()
    for (let i = 0; i < 10; i++) await life.inbox.append(request([i, big]))
    await life.reader.close()
    fs.lose(`${directory}/${name}`)
    await expect(openLife({ fs, from })).rejects.toThrow(/is missing/)
  })

  test('a checkpoint position past the end of the file is detected', async () => {
    const fs = new SimFs()
    const life = await openLife({ fs })
    await life.inbox.append(request([1]))
    await life.reader.close()
    const from = { segment: 1, offset: 5_000, record: 0 }
    await expect(openLife({ fs, from })).rejects.toThrow(/lost its end/)
  })

  test('a position of another source is rejected', async () => {
    for (const from of [{ index: 3 }, null, { segment: 1, offset: -1, record: 0 }]) {
      const opening = openLife({ fs: new SimFs(), from: from as unknown as InboxPosition })
      await expect(opening).rejects.toMatchObject({ code: 'CHECKPOINT_INCOMPATIBLE' })
    }
  })
})

describe('a process that has lost the data directory', () => {
  test('answers nothing more, and its appends are not in the inbox of the new owner', async () => {
    const fs = new SimFs()
    const owners = new SimOwners()
    const old = await openLife({ fs, owner: owners.take() })
    await old.inbox.append(request(['old']))
    const next = await openLife({ fs, owner: owners.take() })
    await next.inbox.append(request(['next']))
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(old.inbox.append(request(['late']))).rejects.toMatchObject({ code: 'DIRECTORY_LOCKED' })
    }
    expect(() => old.reader.poll(1)).toThrow(expect.objectContaining({ code: 'DIRECTORY_LOCKED' }))
    expect(await take(next)).toEqual(['old', 'next'])
    await old.reader.close()
    await next.reader.close()
    expect(await take(await openLife({ fs }))).toEqual(['old', 'next'])
  })

  test('changes nothing that the new owner has accepted, at any operation', async () => {
    for (let at = 1, isOver = false; !isOver; at++) {
      const fs = new SimFs()
      const owners = new SimOwners()
      const before = await openLife({ fs, owner: owners.take(), segmentBytes: 100 })
      await before.inbox.append(request(['before']))
      await before.reader.close()
      const owner = owners.take()
      const seen = new FreezingFs(fs, at)
      // The new owner opens the inbox and begins a segment.
      const old = openLife({ fs: seen, owner, segmentBytes: 100 }).then(async (life) => {
        await life.inbox.append(request(['old']))
        return life
      })
      const ended = old.then(
        (life) => life.reader.close(),
        () => undefined,
      )
      isOver = await Promise.race([seen.frozen.then(() => false), ended.then(() => true)])
      const next = await openLife({ fs, owner: owners.take(), segmentBytes: 100 })
      await next.inbox.append(request(['next']))
      seen.thaw()
      await ended
      await next.inbox.append(request(['last']))
      const read = await take(next)
      expect(read.filter((value) => value !== 'old')).toEqual(['before', 'next', 'last'])
      await next.reader.close()
      const again = await openLife({ fs, segmentBytes: 100 })
      expect(await take(again), `operation ${at}`).toEqual(read)
      await again.reader.close()
    }
  })
})

async function cutTo(fs: SimFs, path: string, size: number): Promise<void> {
  const file = await fs.open(path, 'append')
  await file.truncate(size)
  await file.close()
}
