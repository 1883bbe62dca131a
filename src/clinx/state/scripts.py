"""What Redis runs, each script one step. They answer as `memory` does, by Redis' own clock.

Every claim is one key and six arguments: kind, most, and four more by kind:

    w  width, back, amount, lifetime       a window (amount 0 only asks)
    s  lease, 0, 0, 0                      slots
    p  period, lifetime, 0, 0              a purse

Each begins with the clock, which is Redis' own: processes need not agree on the time. Sums of money reach 2^63, which
HINCRBY adds exactly; what they are compared to was checked to be at most 2^53.
"""

from typing import Final

CLOCK: Final = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
"""

_COUNTED: Final = """
local function counted(key, first)
  local total, slices, dead = 0, {}, {}
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    local number, count = tonumber(all[i]), tonumber(all[i + 1])
    if number < first then dead[#dead + 1] = all[i]
    else total = total + count; slices[#slices + 1] = {number, count} end
  end
  if #dead > 0 then redis.call('HDEL', key, unpack(dead)) end
  return total, slices
end
"""

TAKE: Final = (
    _COUNTED
    + """
local function sum(key, period)
  local known = redis.call('HMGET', key, 'p', 'n')
  if not known[1] then return nil end
  if period > tonumber(known[1]) then return 0 end
  return tonumber(known[2])
end
local holder = ARGV[1]
local unknown = {2}
for i, key in ipairs(KEYS) do
  local at = 2 + (i - 1) * 6
  if ARGV[at] == 'p' and redis.call('EXISTS', key) == 0 then unknown[#unknown + 1] = i - 1 end
end
if #unknown > 1 then return unknown end

local lefts = {}
for i, key in ipairs(KEYS) do
  local at = 2 + (i - 1) * 6
  local kind, most, a, b, amount = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]),
    tonumber(ARGV[at + 4])
  if kind == 'w' then
    local total, slices = counted(key, math.floor(now / a) - b)
    local room = most - math.max(amount, 1)
    if total > room then
      table.sort(slices, function(x, y) return x[1] < y[1] end)
      for _, slice in ipairs(slices) do
        total = total - slice[2]
        if total <= room then return {1, i - 1, (slice[1] + b + 1) * a - now} end
      end
      return {1, i - 1, a * (b + 1)}
    end
    lefts[i] = most - total - amount
  elseif kind == 's' then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    local held = redis.call('ZCARD', key)
    if held >= most then return {1, i - 1, 1000} end
    lefts[i] = most - held - 1
  else
    local spent = sum(key, a)
    if spent >= most then return {1, i - 1, -1} end
    lefts[i] = most - spent
  end
end

local taken = {0}
for i, key in ipairs(KEYS) do
  local at = 2 + (i - 1) * 6
  local slice = 0
  if ARGV[at] == 'w' then
    slice = math.floor(now / ARGV[at + 2])
    if ARGV[at + 4] ~= '0' then
      redis.call('HINCRBY', key, string.format('%.0f', slice), ARGV[at + 4])
      redis.call('PEXPIRE', key, ARGV[at + 5])
    end
  elseif ARGV[at] == 's' then
    redis.call('ZADD', key, string.format('%.0f', now + ARGV[at + 2]), holder)
    redis.call('PEXPIRE', key, ARGV[at + 2])
  end
  taken[#taken + 1] = string.format('%.0f', lefts[i])
  taken[#taken + 1] = slice
end
return taken
"""
)

SETTLE: Final = """
local holder = ARGV[1]
for i, key in ipairs(KEYS) do
  local at = 2 + (i - 1) * 5
  local kind, a, lifetime, amount, slice = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  if kind == 'w' then
    if slice == '' then
      redis.call('HINCRBY', key, string.format('%.0f', math.floor(now / a)), amount)
      redis.call('PEXPIRE', key, lifetime)
    elseif redis.call('HEXISTS', key, slice) == 1 then
      redis.call('HINCRBY', key, slice, amount)
    end
  elseif kind == 's' then
    redis.call('ZREM', key, holder)
  else
    local known = redis.call('HGET', key, 'p')
    if known then
      if tonumber(a) > tonumber(known) then redis.call('HSET', key, 'p', a, 'n', amount)
      else redis.call('HINCRBY', key, 'n', amount) end
      redis.call('PEXPIRE', key, lifetime)
    end
  end
end
"""

TELL: Final = """
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'p', ARGV[1], 'n', ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
"""

RENEW: Final = """
for i, key in ipairs(KEYS) do
  local holder, lease = ARGV[i * 2 - 1], ARGV[i * 2]
  redis.call('ZADD', key, 'XX', string.format('%.0f', now + lease), holder)
  redis.call('PEXPIRE', key, lease)
end
"""
