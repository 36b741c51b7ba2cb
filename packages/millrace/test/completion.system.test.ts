import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { Command } from './command.ts'

/** What bash offers for the last of the words. */
function offered(script: string, ...words: readonly string[]): readonly string[] {
  const call = `COMP_WORDS=(millrace ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}`
  const { stdout, stderr } = spawnSync(
    'bash',
    ['-c', `${script}\n${call}; _millrace; printf '%s\\n' "\${COMPREPLY[@]}"`],
    { encoding: 'utf8', cwd: import.meta.dirname },
  )
  expect(stderr).toBe('')
  return stdout.trim().split('\n')
}

test('bash completes commands, actions, options and files', async () => {
  const { out: script } = await new Command(['completion', 'bash']).ended
  expect(offered(script, 'exp')).toEqual(['explain'])
  expect(offered(script, 'run', '--data')).toEqual(['--data-dir'])
  expect(offered(script, 'dlq', 'red')).toEqual(['redrive'])
  expect(offered(script, 'run', 'completion')).toEqual(['completion.system.test.ts'])
})

test('zsh uses the functions of bash, and fish has a line for each command and option', async () => {
  const { out: zsh } = await new Command(['completion', 'zsh']).ended
  expect(zsh).toMatch(/^autoload -U \+X bashcompinit && bashcompinit\n_millrace/)
  const { out: fish } = await new Command(['completion', 'fish']).ended
  expect(fish).toContain("complete -c millrace -n '__fish_seen_subcommand_from run' -l data-dir -r")
})

test('another shell is an error that names the ones it knows', async () => {
  const { code, err } = await new Command(['completion', 'tcsh']).ended
  expect(code).toBe(2)
  expect(err).toContain("'tcsh' is no shell that it knows; give one of bash, zsh, fish")
})
