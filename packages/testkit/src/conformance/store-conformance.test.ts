import { memoryStore } from '@millrace/store-memory'
import { describe, test } from 'vitest'
import { plainStore } from '../../test/plain-store.ts'
import { describeCases } from './conformance-case.ts'
import { stateStoreConformance } from './store-conformance.ts'

const create = (): ReturnType<typeof memoryStore> => memoryStore({ segmentBytes: 4096 })

describeCases('the memory store', stateStoreConformance({ create }), { describe, test })

describeCases('a plain store', stateStoreConformance({ create: () => plainStore() }), { describe, test })
