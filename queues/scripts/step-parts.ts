// The scripts of a step's parts: bring, and what is there.

import { redisScript } from "../../src/runtime/redis-script.ts";

/**
 * bring: puts one part's outcome of a step of several calls, and says whether all are there. The first outcome of a part stays.
 * KEYS 1 parts 2 done 3 open · ARGV 1 row 2 hop 3 part 4 number of parts 5 JSON, or "" to look only
 * Reply {own part is there 0 | 1, the row has its result or goes on at a later hop 0 | 1}, followed by the JSON of all in order of part once they are all there
 */
export const bringScript = redisScript(`
local base = ARGV[1] .. '.' .. ARGV[2] .. '.'
if ARGV[5] ~= '' then redis.call('HSETNX', KEYS[1], base .. ARGV[3], ARGV[5]) end
local own = redis.call('HEXISTS', KEYS[1], base .. ARGV[3])
local open = redis.call('HGET', KEYS[3], ARGV[1])
local last_hop = open and tonumber(string.match(open, '^(%d+)|')) or -1
local is_gone = (redis.call('GETBIT', KEYS[2], ARGV[1]) == 1 or last_hop > tonumber(ARGV[2])) and 1 or 0
local all = {own, is_gone}
for part = 0, tonumber(ARGV[4]) - 1 do
  local outcome = redis.call('HGET', KEYS[1], base .. part)
  if not outcome then return {own, is_gone} end
  all[#all + 1] = outcome
end
return all
`);

/** brought: the outcomes of a step's parts that are there. KEYS 1 parts · ARGV 1 row 2 hop 3 number of parts · Reply their JSON, in order of part */
export const broughtScript = redisScript(`
local reply = {}
for part = 0, tonumber(ARGV[3]) - 1 do
  reply[#reply + 1] = redis.call('HGET', KEYS[1], ARGV[1] .. '.' .. ARGV[2] .. '.' .. part) or nil
end
return reply
`);
