// hold: no permits for a model until a time; a hold is only ever lengthened.
//
// KEYS   buckets
// ARGV   1 model id · 2 milliseconds from now
// Reply  nothing

import { redisScript } from "../runtime/redis-script.ts";

export const holdScript = redisScript(`
local time = redis.call('TIME')
local held_until = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000 + tonumber(ARGV[2])
local field = 'hold|' .. ARGV[1]
local earlier = tonumber(redis.call('HGET', KEYS[1], field) or '0')
if held_until > earlier then redis.call('HSET', KEYS[1], field, string.format('%.4f', held_until)) end
`);
