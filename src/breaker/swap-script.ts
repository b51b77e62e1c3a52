// Sets a breaker if it still is what the caller saw.
//
// KEYS   1 breakers · 2 tallies
// ARGV   1 field (model id or `*`) · 2 the state expected, '' for closed · 3 the state to set, '' for closed
// Reply  the state afterwards, '' for closed

import { redisScript } from "../runtime/redis-script.ts";

export const swapScript = redisScript(`
local state = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if state ~= ARGV[2] then return state end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
return ARGV[3]
`);
