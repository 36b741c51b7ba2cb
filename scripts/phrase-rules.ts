/** Phrases that do not belong in technical English. Comments, docs, test names and messages use the field's words. */
import type { Rule } from './rule.ts'
import type { SourceFile } from './source-file.ts'

/** A phrase to avoid, and what to write instead. The patterns are written so that they do not match themselves. */
const phrases: readonly (readonly [pattern: RegExp, advice: string])[] = [
  [/\bwho(?:m|se)?(?:ever)\b/i, 'name the subject: the caller, a reader, the next process'],
  [/\bno(?:body)\b/i, 'name the subject: no task, no reader, nothing'],
  [/\b(?:some|any|every)(?:body)\b/i, 'name the subject: another process, a receiver, all callers'],
  [/\bto(?:ld)\b/i, 'use the verb for it: report, pass, receive, distinguish'],
  [/\b(?:go|goes|going|gone|went) (?:on)\b/i, 'write continue or resume'],
  [/\b(?:st)(?:and|ands|ood)\b(?!-)/i, 'write is, wait, precede or mean'],
  [/\b(?:give|gives|giving|gave|given) (?:up)\b/i, 'write abort, cancel, time out or stop retrying'],
  [/\b(?:me)nd(?:s|ed|ing)?\b/i, 'write fix or repair'],
  [/\bsets? (?:aside)\b/i, 'write move to the dead letters'],
  [/\bthe (?:like)\b/i, 'list what is meant'],
  [/\bfor (?:ever)\b/i, 'write forever, or say until when'],
  [/\bforet(?:old|ells?)\b/i, 'write predict or expect'],
  [/\bvouch(?:es)?\b/i, 'say what is compared'],
]

/** Places where a phrase is right, with the reason: a file, and text around the phrase in the same line. */
const allowed: readonly (readonly [path: string, text: string, reason: string])[] = [
  [
    'packages/simulator/src/world/sim-world.ts',
    "random.fork('who goes",
    'names a random stream; a new name gives every seed another schedule',
  ],
]

const readByPeople = /\.(?:ts|js|mjs|md|sh|json)$|^\.ci\//

function isAllowed(file: SourceFile, line: string): boolean {
  return allowed.some(([path, text]) => file.path === path && line.includes(text))
}

function plainWords(files: readonly SourceFile[]): string[] {
  const findings: string[] = []
  for (const file of files) {
    if (!readByPeople.test(file.path)) continue
    for (const [index, line] of file.text.split('\n').entries()) {
      for (const [pattern, advice] of phrases) {
        const found = pattern.exec(line)
        if (found === null || isAllowed(file, line)) continue
        findings.push(`${file.path}:${index + 1}: '${found[0]}' is not plain; ${advice}`)
      }
    }
  }
  return findings
}

/** A place that is allowed but no longer exists would hide a new one. */
function usedAllowances(files: readonly SourceFile[]): string[] {
  return allowed
    .filter(([path]) => files.some((file) => file.path === path))
    .filter(([path, text]) => !files.some((file) => file.path === path && file.text.includes(text)))
    .map(([path, text]) => `scripts/phrase-rules.ts: ${path} no longer contains '${text}'; remove the entry`)
}

export const phraseRules: readonly Rule[] = [
  { name: 'texts use plain words', check: plainWords },
  { name: 'every allowed phrase is still there', check: usedAllowances },
]
