/** Draws the map in ARCHITECTURE.md anew: `npm run map`. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { withMap } from './map.ts'
import { readWorkspace, workspace } from './source-file.ts'

const document = path.join(workspace, 'ARCHITECTURE.md')
writeFileSync(document, withMap(readFileSync(document, 'utf8'), readWorkspace()))
