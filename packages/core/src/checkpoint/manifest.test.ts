import { expect, test } from 'vitest'
import { decodeManifest, encodeManifest, manifestFormat, type Manifest } from './manifest.ts'

const manifest: Manifest = {
  format: manifestFormat,
  pipeline: 'p',
  checkpoint: 1,
  createdAt: 0,
  phase: 'running',
  keyGroups: 128,
  parallelism: 1,
  operators: [],
  sources: [],
  watermarks: [],
  sinks: [],
  dropState: [],
  store: { kind: 'memory', layout: 'one worker', parts: [{ directory: '', snapshot: null }] },
}

test('a manifest of another format is rejected with advice, and not reported as damaged', () => {
  expect(decodeManifest(encodeManifest(manifest), 'm.json')).toEqual(manifest)
  for (const [format, way] of [
    [
      manifestFormat - 1,
      'Run the job with the Millrace version that wrote it until it has finished (--drain)',
    ],
    [manifestFormat + 1, 'Run the job with the Millrace version that wrote it, or a later one'],
  ] as const) {
    const bytes = encodeManifest({ ...manifest, format })
    expect(() => decodeManifest(bytes, 'm.json')).toThrow(
      expect.objectContaining({
        code: 'CHECKPOINT_INCOMPATIBLE',
        message: expect.stringContaining(
          `m.json has manifest format ${format}, and this version reads format ${manifestFormat}. ${way}`,
        ) as string,
      }),
    )
  }
})
