import path from 'node:path'
import process from 'node:process'
import { changedSource, type ChangedLine } from './mutant.ts'
import { defineConfig, mergeConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

const packages = path.resolve(import.meta.dirname, '../../packages')
const plant = JSON.parse(process.env['MILLRACE_PLANTED_BUG']!) as ChangedLine
const changed = path.join(packages, plant.file)
const source = await changedSource(packages, plant)

/** The configuration of tests, with one source line changed while it is loaded. */
export default mergeConfig(
  base,
  defineConfig({
    plugins: [
      {
        name: 'mutate',
        enforce: 'pre',
        load: (id) => (path.resolve(id.split('?')[0]!) === changed ? source : undefined),
      },
    ],
  }),
)
