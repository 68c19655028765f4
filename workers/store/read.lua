-- read.lua: rows as they stand, and the position at which they stand: one moment for all of them. It
-- changes nothing. What a fold does with that: workers/worker/batcher.h.
--
-- How large a row is, is asked first, so that one that is too large is never sent; and the answer ends
-- after ARGV[4] bytes or so, so that no call holds the server up for long.
--
-- KEYS  1 fanfold:cursor:<view>   2… the rows, each once
-- ARGV  1 partition   2 entries a row may have   3 bytes it may have   4 bytes of an answer
--       5… the structure of each row (enum structure)
-- Answer: failed, text | ok, position or "", then for each row: kind, value
--         kind 0 not read (the answer is full)   1 absent   2 there   3 too large   4 foreign: value says
--         what is there instead. value of kind 2: HGETALL, SMEMBERS, or a text; else ""

local try = redis.pcall

local UNREAD, ABSENT, THERE, LARGE, FOREIGN = 0, 1, 2, 3, 4 -- enum row_state
local ENTRY_COST = 32 -- what an entry counts besides its bytes

local entries_max, bytes_max, full = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local answer, spent, failed = {'ok'}, 0, nil

-- enum structure: its name, how large it is, all of it
local READ = {
    ['0'] = {'hash', 'HLEN', 'HGETALL'},
    ['1'] = {'counter', 'STRLEN', 'GET'},
    ['3'] = {'set', 'SCARD', 'SMEMBERS'},
    ['6'] = {'json', 'STRLEN', 'GET'},
}

local function bytes_of(value)
    if type(value) == 'string' then
        return #value, 0
    end
    local sum = 0
    for i = 1, #value do
        sum = sum + #value[i]
    end
    return sum, #value
end

local function read(key, how)
    local size = try(how[2], key)
    if type(size) == 'table' then
        if string.find(size.err, 'WRONGTYPE', 1, true) then
            return FOREIGN, key .. ' is not a ' .. how[1] .. ' but ' .. redis.call('TYPE', key).ok
        end
        failed = failed or size.err
        return UNREAD, ''
    end
    if size == 0 then
        return ABSENT, ''
    end
    if size > (how[3] == 'GET' and bytes_max or entries_max) then
        return LARGE, ''
    end
    local value = try(how[3], key)
    if type(value) == 'table' and value.err then
        failed = failed or value.err
        return UNREAD, ''
    end
    local bytes, count = bytes_of(value)
    spent = spent + bytes + count * ENTRY_COST
    if bytes > bytes_max then
        return LARGE, ''
    end
    return THERE, value
end

local position = try('HGET', KEYS[1], ARGV[1])
if type(position) == 'table' then
    return {'failed', position.err}
end
answer[2] = position or ''
for i = 2, #KEYS do
    local kind, value = UNREAD, ''
    if spent < full then
        kind, value = read(KEYS[i], READ[ARGV[i + 3]])
    end
    answer[#answer + 1], answer[#answer + 2] = kind, value
end
return failed and {'failed', failed} or answer
