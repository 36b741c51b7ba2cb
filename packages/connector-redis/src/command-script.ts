/** One command and its arguments: `['HSET', 'totals', 'a', '1']`. */
export type RedisCommand = readonly [name: string, ...args: (string | Uint8Array)[]]

/**
 * Runs the commands of a staged chunk, each once. KEYS: the chunk, the fence. ARGV: the subtask, the checkpoint, the number
 * of the chunk. The fence holds, for each subtask, the next command to run: "checkpoint:chunk:command", from 0.
 *
 * Redis does not undo what a script has done before a command fails. So the fence is moved up to that command, and the
 * script continues there when it is run again.
 *
 * Returns 1 if the chunk was committed now, 0 if it was before, and -1 if it is not there and was never committed.
 */
export const commitScript = `
local checkpoint, chunk = tonumber(ARGV[2]), tonumber(ARGV[3])
local first = 0
local fence = redis.call('HGET', KEYS[2], ARGV[1])
if fence then
  local c, n, k = string.match(fence, '^(%d+):(%d+):(%d+)$')
  c, n, k = tonumber(c), tonumber(n), tonumber(k)
  if checkpoint < c or (checkpoint == c and chunk < n) then
    redis.call('UNLINK', KEYS[1])
    return 0
  end
  if checkpoint == c and chunk == n then first = k end
end
local staged = redis.call('GET', KEYS[1])
if not staged then return -1 end
local commands = cmsgpack.unpack(staged)
for at = first + 1, #commands do
  local answer = redis.pcall(unpack(commands[at]))
  if type(answer) == 'table' and answer.err then
    redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. ':' .. ARGV[3] .. ':' .. (at - 1))
    return redis.error_reply(commands[at][1] .. ': ' .. answer.err)
  end
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. ':' .. (chunk + 1) .. ':0')
redis.call('UNLINK', KEYS[1])
return 1
`

/** Commands as MessagePack: an array of arrays of strings, which may hold any bytes. */
export function packCommands(commands: readonly RedisCommand[]): Buffer {
  const parts: Uint8Array[] = [arrayHeader(commands.length)]
  for (const command of commands) {
    parts.push(arrayHeader(command.length))
    for (const argument of command) {
      const bytes = typeof argument === 'string' ? Buffer.from(argument) : argument
      parts.push(header(0xdb, bytes.length), bytes)
    }
  }
  return Buffer.concat(parts)
}

function arrayHeader(length: number): Buffer {
  return header(0xdd, length)
}

/** A type of MessagePack with a length of 32 bits. */
function header(type: number, length: number): Buffer {
  const bytes = Buffer.alloc(5)
  bytes.writeUInt8(type, 0)
  bytes.writeUInt32BE(length, 1)
  return bytes
}
