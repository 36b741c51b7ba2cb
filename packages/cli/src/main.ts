/** Runs the command with the given arguments, without the program's own name. */
export async function main(args: readonly string[]): Promise<void> {
  throw new Error(`unknown command: ${args.join(' ')}`)
}
