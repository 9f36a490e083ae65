#include "proto/redis/redis_scripts.h"

namespace ace::proto {
namespace {

/// What most scripts begin with. Lua counts in doubles: fifteen digits are exact, more are junk.
std::string script(const char* body) {
  static constexpr const char* kHead = R"(#!lua flags=allow-oom
local function num(text)
  if type(text) == 'string' and #text <= 15 and string.find(text, '^%d+$') then
    return tonumber(text)
  end
  return 0
end
local function str(number) return string.format('%.0f', number) end
local function now()
  local time = redis.call('TIME')
  return string.format('%d.%03d', tonumber(time[1]), math.floor(tonumber(time[2]) / 1000))
end
local function is_mine(owner_key, metadata_key, self, epoch)
  local owner = redis.call('GET', owner_key)
  local stored = num(redis.call('HGET', metadata_key, 'epoch'))
  return epoch > 0 and stored == epoch and (not owner or owner == self)
end
local function heal(key, kind)
  local found = redis.call('TYPE', key).ok
  if found ~= 'none' and found ~= kind then redis.call('UNLINK', key) end
end
-- What others wrote lives as long as they would have given it, and not for ever.
local function bound(key, most)
  local left = redis.call('PTTL', key)
  if left == -1 or left > most then redis.call('PEXPIRE', key, most) end
end
local function millis() return now() * 1000 end
-- An entry that ends later than any lease is junk, or older than a clock that was set back.
local function latest() return str(millis() + 600000) end
local function count_on(prefix, engine, id, lease)
  if type(engine) ~= 'string' or engine == '' then return end
  local streams = prefix .. engine .. ':streams'
  heal(streams, 'zset')
  redis.call('ZADD', streams, str(millis() + lease), id)
  redis.call('PEXPIRE', streams, lease)
end
local function publish(channel, event, fields)
  redis.call('PUBLISH', channel, '{"v":1,"event":"' .. event .. '"' .. fields .. '}')
end
)";
  return std::string{kHead} + body;
}

}  // namespace

const std::string kClaimScript = script(R"(
heal(KEYS[1], 'string') heal(KEYS[2], 'hash') heal(KEYS[3], 'string')
heal(KEYS[4], 'set') heal(KEYS[5], 'set')
-- Far above what any stream comes to, and far below what num() takes for junk: from here on one
-- can be counted upwards.
local function sane(number) return number <= 800000000000000 and number or 0 end
local self, held, known, ttl = ARGV[1], sane(num(ARGV[2])), sane(num(ARGV[3])), ARGV[5]
local lease = num(ARGV[4])
local owner = redis.call('GET', KEYS[1])
local stored = sane(num(redis.call('HGET', KEYS[2], 'epoch')))
local index = sane(num(redis.call('GET', KEYS[3])))
local stopping = redis.call('HGET', KEYS[2], 'state') == 'stopping' and 1 or 0
local free = not owner or (owner == self and held >= stored)
for i = 8, #ARGV do free = free or owner == ARGV[i] end
if not free then
  bound(KEYS[1], lease)
  return {0, stored, index, owner, stopping}
end
local time = redis.call('TIME')
local millis = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local epoch = math.max(stored + 1, held + 1, millis)
index = math.max(index, known)
-- The epoch first: a script that fails behind it leaves a free key, or one with its epoch.
redis.call('HSET', KEYS[2], 'owner', self, 'epoch', str(epoch))
redis.call('SET', KEYS[1], self, 'PX', lease)
if stopping == 0 then
  redis.call('HSET', KEYS[2], 'state', 'initializing', 'init_time', now(), 'state_changed_at', now())
  redis.call('HDEL', KEYS[2], 'error_message', 'error_time')
end
redis.call('PEXPIRE', KEYS[2], ttl)
redis.call('SET', KEYS[3], str(index), 'PX', ttl)
redis.call('PEXPIRE', KEYS[4], ttl)
redis.call('SADD', KEYS[5], ARGV[7])
redis.call('PEXPIRE', KEYS[5], ttl)
publish(ARGV[6], 'owner_changed', ',"epoch":' .. str(epoch) .. ',"index":' .. str(index) ..
        ',"worker":' .. cjson.encode(self))
return {1, epoch, index, self, stopping}
)");

const std::string kRenewScript = script(R"(
local self, epoch, lease, ttl = ARGV[1], num(ARGV[2]), ARGV[3], ARGV[4]
if not is_mine(KEYS[1], KEYS[2], self, epoch) then
  return {0, redis.call('GET', KEYS[1]) or ''}
end
if redis.call('PEXPIRE', KEYS[1], lease) == 0 then
  redis.call('SET', KEYS[1], self, 'PX', lease)
end
for i = 2, 5 do redis.call('PEXPIRE', KEYS[i], ttl) end
redis.call('SADD', KEYS[6], ARGV[5])
redis.call('PEXPIRE', KEYS[6], ttl)
count_on(ARGV[9], redis.call('HGET', KEYS[2], 'engine_id'), ARGV[5], num(lease))
heal(KEYS[7], 'set')
local names = redis.call('SRANDMEMBER', KEYS[7], 64)
for i = 1, #names do
  local alias = ARGV[10] .. names[i]
  local player = redis.pcall('GET', alias)
  if not player then
    redis.call('SET', alias, ARGV[5], 'PX', ttl)
  elseif player == ARGV[5] then
    redis.call('PEXPIRE', alias, ttl)
  else
    redis.call('SREM', KEYS[7], names[i])
  end
end
redis.call('PEXPIRE', KEYS[7], ttl)
local clients = redis.call('SCARD', KEYS[4])
local function is_ghost(record)
  local worker = redis.pcall('HGET', record, 'worker')
  if type(worker) == 'string' then
    if redis.call('PTTL', record) == -1 then redis.call('PEXPIRE', record, ttl) end
    local left = redis.call('PTTL', ARGV[8] .. worker)
    if left == -1 then redis.call('PEXPIRE', ARGV[8] .. worker, lease) end
    return left == -2
  end
  return type(worker) == 'table' or redis.call('EXISTS', record) == 0
end
local function remove_ghosts(most)
  local found = false
  local drawn = redis.call('SRANDMEMBER', KEYS[4], most)
  for i = 1, #drawn do
    if is_ghost(ARGV[7] .. drawn[i]) then
      redis.call('SREM', KEYS[4], drawn[i])
      redis.call('UNLINK', ARGV[7] .. drawn[i])
      found, clients = true, clients - 1
      publish(ARGV[6], 'client_disconnected', ',"client":' .. cjson.encode(drawn[i]) ..
              ',"remaining":' .. clients)
    end
  end
  return found
end
if remove_ghosts(64) then
  remove_ghosts(1000)
  if clients == 0 then redis.call('SET', KEYS[5], now(), 'PX', ttl) end
end
return {1, clients}
)");

const std::string kAliasScript = script(R"(
if not is_mine(KEYS[1], KEYS[2], ARGV[1], num(ARGV[2])) then return '' end
local ttl, id, infohash, aliases, streams = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local function lead(key, name, names, player)
  redis.call('SET', key, player, 'PX', ttl)
  heal(names, 'set')
  redis.call('SADD', names, name)
  redis.call('PEXPIRE', names, ttl)
end
local function plays(other)
  local record = streams .. other .. ':metadata'
  if redis.pcall('HGET', record, 'infohash') ~= infohash then return false end
  local state = redis.call('HGET', record, 'state')
  return state ~= 'stopping' and state ~= 'error' and
         redis.call('EXISTS', streams .. other .. ':owner') == 1
end
heal(KEYS[3], 'string')
local player = redis.call('GET', KEYS[3])
if player and player ~= id and plays(player) then
  lead(aliases .. id, id, streams .. player .. ':aliases', player)
  return player
end
if id ~= infohash then redis.call('UNLINK', aliases .. id) end
lead(KEYS[3], infohash, KEYS[4], id)
return id
)");

const std::string kUpdateScript = script(R"(
if not is_mine(KEYS[1], KEYS[2], ARGV[1], num(ARGV[2])) then return 0 end
for i = 4, #ARGV - 1, 2 do
  local field, value = ARGV[i], ARGV[i + 1]
  if field == 'state' then
    local state = redis.call('HGET', KEYS[2], 'state')
    if state ~= 'stopping' and state ~= value then
      redis.call('HSET', KEYS[2], 'state', value, 'state_changed_at', now())
    end
  elseif field ~= 'owner' and field ~= 'epoch' then
    redis.call('HSET', KEYS[2], field, value)
  end
end
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
)");

const std::string kCommitScript = script(R"(
local epoch, first, last, skip = num(ARGV[2]), num(ARGV[3]), num(ARGV[4]), ARGV[5] == '1'
local index = num(redis.call('GET', KEYS[3]))
if not is_mine(KEYS[1], KEYS[2], ARGV[1], epoch) then return {-1, index} end
if last <= index then
  redis.call('UNLINK', KEYS[4])
  return {1, index}
end
if first > index + 1 or (not skip and first ~= index + 1) then return {0, index} end
local from = num(ARGV[8])
if from > 0 then
  for i = from, math.min(num(ARGV[9]), from + 63, index) do
    redis.call('UNLINK', ARGV[11] .. str(i))
  end
end
if skip then
  redis.call('UNLINK', KEYS[4])
  for i = math.max(index + 1, last - 63), last do redis.call('UNLINK', ARGV[11] .. str(i)) end
else
  if redis.call('EXISTS', KEYS[4]) == 0 then return {-2, index} end
  redis.call('RENAME', KEYS[4], KEYS[5])
  redis.call('PEXPIRE', KEYS[5], ARGV[6])
end
redis.call('SET', KEYS[3], str(last), 'PX', ARGV[7])
publish(ARGV[10], 'chunk', ',"epoch":' .. str(epoch) .. ',"index":' .. str(last) ..
        (skip and ',"skipped":true' or ''))
return {1, last}
)");

const std::string kReleaseScript = script(R"(
if not is_mine(KEYS[1], KEYS[2], ARGV[1], num(ARGV[2])) then return 0 end
redis.call('DEL', KEYS[1])
publish(ARGV[3], 'leaving', ',"epoch":' .. ARGV[2] .. ',"worker":' .. cjson.encode(ARGV[1]))
return 1
)");

const std::string kBeginTeardownScript = script(R"(
if not is_mine(KEYS[1], KEYS[2], ARGV[1], num(ARGV[2])) then return -1 end
local clients = redis.call('SCARD', KEYS[3])
if clients > 0 and ARGV[5] ~= '1' then return clients end
if redis.call('HGET', KEYS[2], 'state') ~= 'stopping' then
  redis.call('HSET', KEYS[2], 'state', 'stopping', 'state_changed_at', now())
  publish(ARGV[4], 'stopping', ',"epoch":' .. ARGV[2])
end
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 0
)");

const std::string kFinishTeardownScript = script(R"(
local epoch = num(ARGV[2])
if not is_mine(KEYS[1], KEYS[2], ARGV[1], epoch) then return 0 end
local index = num(redis.call('GET', KEYS[3]))
local last = math.max(num(ARGV[6]), index)
for i = math.max(1, num(ARGV[5]), last - 4095), last do
  redis.call('UNLINK', ARGV[7] .. str(i))
end
for i = index + 1, index + 64 do redis.call('UNLINK', ARGV[8] .. str(i)) end
local engine = redis.call('HGET', KEYS[2], 'engine_id')
if engine then redis.pcall('ZREM', ARGV[10] .. engine .. ':streams', ARGV[3]) end
local clients = redis.call('SMEMBERS', KEYS[4])
for i = 1, math.min(#clients, 1000) do redis.call('UNLINK', ARGV[9] .. clients[i]) end
heal(KEYS[7], 'set')
local names = redis.call('SMEMBERS', KEYS[7])
for i = 1, math.min(#names, 1000) do
  local alias = ARGV[11] .. names[i]
  if redis.pcall('GET', alias) == ARGV[3] then redis.call('UNLINK', alias) end
end
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[7])
redis.call('SREM', KEYS[6], ARGV[3])
publish(ARGV[4], 'stopped', ',"epoch":' .. str(epoch))
return 1
)");

const std::string kJoinScript = script(R"(
if redis.call('HGET', KEYS[1], 'state') == 'stopping' then return {0, 0} end
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
for i = 6, #ARGV - 1, 2 do redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[3], ARGV[4])
redis.call('DEL', KEYS[4])
local clients = redis.call('SCARD', KEYS[2])
publish(ARGV[5], 'client_connected', ',"worker":' .. cjson.encode(ARGV[2]) .. ',"client":' ..
        cjson.encode(ARGV[1]) .. ',"remaining":' .. clients)
return {1, clients}
)");

const std::string kLeaveScript = script(R"(
local removed = redis.call('SREM', KEYS[1], ARGV[1])
redis.call('UNLINK', KEYS[2])
local clients = redis.call('SCARD', KEYS[1])
if removed == 0 then return clients end
if clients == 0 and redis.call('EXISTS', KEYS[4]) == 1 then
  redis.call('SET', KEYS[3], now(), 'PX', ARGV[2])
end
publish(ARGV[3], 'client_disconnected', ',"client":' .. cjson.encode(ARGV[1]) ..
        ',"remaining":' .. clients)
return clients
)");

const std::string kHeartbeatScript = script(R"(
if redis.call('EXISTS', KEYS[2]) == 0 or redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 0 then
  return 0
end
for i = 3, #ARGV - 1, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
)");

const std::string kInspectScript = script(R"(
if redis.call('EXISTS', KEYS[1], KEYS[2]) == 0 then
  redis.call('SREM', KEYS[3], ARGV[1])
  return {0, ''}
end
return {1, redis.call('GET', KEYS[1]) or ''}
)");

const std::string kPresenceScript = script(R"(
heal(KEYS[1], 'hash') heal(KEYS[2], 'zset')
local token = redis.call('HGET', KEYS[1], 'token')
local beats = num(redis.call('HGET', KEYS[1], 'beats'))
if token and token ~= ARGV[1] then
  local rival = token .. '/' .. str(beats)
  if rival ~= ARGV[3] then return {0, rival} end
  redis.call('UNLINK', KEYS[1])
end
redis.call('HSETNX', KEYS[1], 'started_at', now())
redis.call('HSET', KEYS[1], 'token', ARGV[1], 'beats', str(beats + 1), unpack(ARGV, 5))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', millis() - num(ARGV[2]))
redis.call('ZADD', KEYS[2], str(millis()), ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return {1, token == ARGV[1] and 1 or 0}
)");

const std::string kAbsenceScript = script(R"(
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('UNLINK', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[2])
if redis.call('ZCARD', KEYS[2]) == 0 then redis.call('UNLINK', KEYS[3]) end
return 1
)");

const std::string kIncarnationScript = script(R"(
heal(KEYS[1], 'string')
if redis.call('PEXPIRE', KEYS[1], ARGV[2]) == 0 then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return redis.call('GET', KEYS[1])
)");

const std::string kChooseEngineScript = script(R"(
local id, lease, settle, prefix = ARGV[1], num(ARGV[2]), num(ARGV[3]), ARGV[4]
local time = str(millis())
local best
local function is_better(a, b)
  for i = 1, #a do
    if a[i] ~= b[i] then return a[i] < b[i] end
  end
  return false
end
for i = 5, #ARGV - 4, 5 do
  local streams = prefix .. ARGV[i] .. ':streams'
  heal(streams, 'zset')
  redis.call('ZREMRANGEBYSCORE', streams, '-inf', time)
  redis.call('ZREMRANGEBYSCORE', streams, '(' .. latest(), '+inf')
  local load = redis.call('ZCARD', streams) - (redis.call('ZSCORE', streams, id) and 1 or 0)
  load = math.max(load, num(ARGV[i + 4]))
  local tier, most = num(ARGV[i + 1]), num(ARGV[i + 3])
  if tier < 3 and (most == 0 or load < most) then
    local wait = settle > 0 and redis.call('PTTL', prefix .. ARGV[i] .. ':started') or 0
    local rank = {tier, math.max(math.min(wait, settle), 0), load, 1 - num(ARGV[i + 2]), i}
    if not best or is_better(rank, best) then best = rank end
  end
end
if not best then return {-1, 0} end
if best[2] > 0 then return {-1, best[2]} end
for i = 5, #ARGV - 4, 5 do
  if i ~= best[5] then redis.call('ZREM', prefix .. ARGV[i] .. ':streams', id) end
end
local engine = ARGV[best[5]]
count_on(prefix, engine, id, lease)
if settle > 0 then redis.call('SET', prefix .. engine .. ':started', id, 'PX', settle) end
return {(best[5] - 5) / 5, 0}
)");

const std::string kEngineLoadsScript = script(R"(
local loads = {}
for i = 2, #ARGV do
  local count = redis.pcall('ZCOUNT', ARGV[1] .. ARGV[i] .. ':streams', str(millis()), latest())
  loads[i - 1] = type(count) == 'number' and count or 0
end
return loads
)");

const std::string kHoldFilmScript = script(R"(
heal(KEYS[1], 'string')
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  bound(KEYS[1], num(ARGV[2]))
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
count_on(ARGV[3], ARGV[4], ARGV[1], num(ARGV[2]))
return 1
)");
const std::string kDropFilmScript = script(R"(
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('UNLINK', KEYS[1]) end
return redis.call('ZREM', KEYS[2], ARGV[1])
)");

const std::string kPositionScript = script(R"(
local epoch = num(redis.call('HGET', KEYS[1], 'epoch'))
local index = num(redis.call('GET', KEYS[2]))
local first, bytes = index + 1, 0
for i = 1, math.min(num(ARGV[2]), index, 1000) do
  local size = redis.call('STRLEN', ARGV[1] .. str(first - 1))
  bytes = bytes + size
  if size == 0 or bytes > num(ARGV[3]) then break end
  first = first - 1
end
return {epoch, index, first}
)");

const std::string kTrialScript = script(R"(
local ttl, failed = ARGV[1], {}
local function try(command, ...)
  local answer = redis.pcall(command, ...)
  if type(answer) == 'table' and answer.err then
    failed[#failed + 1] = command
    failed[#failed + 1] = answer.err
  end
end
try('TIME')
try('SET', KEYS[1], '1', 'PX', ttl)
try('GET', KEYS[1])
try('STRLEN', KEYS[1])
try('EXISTS', KEYS[1])
try('TYPE', KEYS[1])
try('PEXPIRE', KEYS[1], ttl)
try('PTTL', KEYS[1])
if redis.pcall('EXISTS', KEYS[1]) == 1 then try('RENAME', KEYS[1], KEYS[5]) end
try('DEL', KEYS[5])
try('HSETNX', KEYS[2], 'n', '1')
try('HSET', KEYS[2], 'm', '1')
try('HGET', KEYS[2], 'm')
try('HGETALL', KEYS[2])
try('HINCRBY', KEYS[2], 'n', '1')
try('HDEL', KEYS[2], 'm')
try('EXPIRE', KEYS[2], '60')
try('SADD', KEYS[3], 'm')
try('SISMEMBER', KEYS[3], 'm')
try('SMEMBERS', KEYS[3])
try('SRANDMEMBER', KEYS[3], '1')
try('SCARD', KEYS[3])
try('SREM', KEYS[3], 'm')
try('ZADD', KEYS[4], '1', 'm')
try('ZSCORE', KEYS[4], 'm')
try('ZCARD', KEYS[4])
try('ZCOUNT', KEYS[4], '-inf', '+inf')
try('ZREM', KEYS[4], 'm')
try('ZREMRANGEBYSCORE', KEYS[4], '-inf', '+inf')
try('UNLINK', unpack(KEYS))
try('PUBLISH', ARGV[2], '1')
return failed
)");

}  // namespace ace::proto
