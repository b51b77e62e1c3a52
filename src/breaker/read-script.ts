// The breakers of one provider, with the time.
//
// KEYS   1 breakers (hash: field model id or `*` → state as JSON)
// Reply  [unix ms, field, state, field, state, …]

import { redisScript } from "../runtime/redis-script.ts";

export const readScript = redisScript(`
local time = redis.call('TIME')
local reply = redis.call('HGETALL', KEYS[1])
table.insert(reply, 1, tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
return reply
`);
