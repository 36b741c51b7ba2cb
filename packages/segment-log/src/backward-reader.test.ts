import { ByteWriter } from '@millrace/core'
import { SimFs } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { readBackwards, type NamedBytes } from './backward-reader.ts'
import { endBlock, startBlock } from './block.ts'
import { chainChecksum } from './chain-checksum.ts'
import { SegmentWriter } from './segment-writer.ts'

const path = 'state/one.seg'

/** Writes blocks, the last larger than one read, and says what a checkpoint would name. */
async function written(fs: SimFs, sizes: readonly number[]): Promise<NamedBytes> {
  await fs.makeDirectory('state')
  const writer = new SegmentWriter(fs, 'state')
  writer.start('one.seg')
  let named = { bytes: 0, checksum: 0 }
  for (const size of sizes) {
    const out = new ByteWriter()
    const start = startBlock(out)
    out.raw(new Uint8Array(size).fill(size))
    const { checksum } = endBlock(out, start)
    writer.append(out.written())
    named = { bytes: named.bytes + out.length, checksum: chainChecksum(named.checksum, checksum) }
  }
  await writer.flush()
  await writer.close()
  return named
}

async function sizesIn(fs: SimFs, named: NamedBytes): Promise<number[]> {
  const sizes: number[] = []
  await readBackwards(fs, path, named, async ({ payload }) => void sizes.push(payload.length))
  return sizes
}

describe('reading a file backwards', () => {
  test('visits the blocks from the newest to the oldest, however large', async () => {
    const fs = new SimFs()
    const sizes = [5, 1_500_000, 0, 70, 2_200_000]
    expect(await sizesIn(fs, await written(fs, sizes))).toEqual(sizes.toReversed())
  })

  test('ignores what a later checkpoint appended, and refuses a sound file that was not named', async () => {
    const fs = new SimFs()
    const earlier = await written(new SimFs(), [3, 4])
    const later = await written(fs, [3, 4, 5])
    expect(await sizesIn(fs, earlier)).toEqual([4, 3])
    await expect(sizesIn(fs, { ...later, checksum: earlier.checksum })).rejects.toThrow(
      'differ from those that the checkpoint names',
    )
    await expect(sizesIn(fs, { ...later, bytes: later.bytes + 30 })).rejects.toThrow('the file ends too soon')
    await expect(sizesIn(new SimFs(), later)).rejects.toThrow('state/one.seg: the file is missing')
  })
})
