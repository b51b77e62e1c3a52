// announce: the recorder says which results it is about to store, and what the books have of their calls. Once they are stored nobody could tell any more; so
// whoever goes on after a crash takes just these, with just this. One announcement follows a watermark.
//
// KEYS  1 meta 2 recorder (lease) 3 announced: the watermark, a space, JSON
// ARGV  1 lease token 2 the watermark after which the results come ("" for none) 3 JSON
// Reply 1 · 0 the lease is another's, the watermark has moved, or something else is announced to follow it

import { redisScript } from "../../src/runtime/redis-script.ts";

export const announceScript = redisScript(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
if (redis.call('HGET', KEYS[1], 'watermark') or '') ~= ARGV[2] then return 0 end
local text = ARGV[2] .. ' ' .. ARGV[3]
local known = redis.call('GET', KEYS[3])
if known and known ~= text and string.sub(known, 1, #ARGV[2] + 1) == ARGV[2] .. ' ' then return 0 end
redis.call('SET', KEYS[3], text)
local left = redis.call('PTTL', KEYS[1])
if left > 0 then redis.call('PEXPIRE', KEYS[3], left) end
return 1
`);
