import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { secretFromEnvironment, secretFromFile } from './secrets.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'millrace-secrets-'))
afterAll(() => rmSync(directory, { recursive: true }))

describe('secretFromEnvironment', () => {
  test('reads the variable when it is needed', () => {
    const token = secretFromEnvironment('MILLRACE_TEST_TOKEN')
    expect(() => token.reveal()).toThrow(
      'the environment variable MILLRACE_TEST_TOKEN is not set; set it to the secret',
    )
    vi.stubEnv('MILLRACE_TEST_TOKEN', 'one')
    expect(token.reveal()).toBe('one')
    vi.unstubAllEnvs()
  })
})

describe('secretFromFile', () => {
  test('reads the file when it is needed, without the newline at its end', () => {
    const file = path.join(directory, 'token')
    const token = secretFromFile(file)
    expect(() => token.reveal()).toThrow(
      `the file ${file} with a secret cannot be read: ENOENT; check path and rights`,
    )
    writeFileSync(file, 'one \n')
    expect(token.reveal()).toBe('one ')
    writeFileSync(file, 'two')
    expect(token.reveal()).toBe('two')
    writeFileSync(file, '\n')
    expect(() => token.reveal()).toThrow('is empty')
  })
})
