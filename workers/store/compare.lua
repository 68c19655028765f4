-- compare.lua: rows side by side (include/fanfold/compare.h). Reads only.
--
-- Two rows are the same when type, contents and the time of their end are. Contents are compared by a
-- digest that does not depend on the order in which Redis keeps them: the sums of two parts of the SHA-1
-- of each entry. Of an hll it is its count: one and the same set of elements has several encodings.
--
-- KEYS  none: which rows there are is not known before
-- ARGV  "keys", cursor, prefix, literal starts…   answers the next cursor, and keys without the prefix
--       "compare", prefix, keys…   answers for each key = ~ + -: the same, changed, only with the prefix,
--                                  only without; not for all keys, when the rows are long
--       "digest", keys…            answers for each key its digest, "" for none; likewise

local SCAN_COUNT = '2000'
local ENTRIES_MAX = 20000 -- looked at in one call; a longer row still as a whole

local looked = 0

local function part(hex, from)
    return tonumber(hex:sub(from, from + 9), 16)
end

local function digest_entries(list, width)
    local a, b = 0, 0
    for i = 1, #list, width do
        local entry = list[i]
        if width == 2 then
            entry = #entry .. ':' .. entry .. list[i + 1]
        end
        local hex = redis.sha1hex(entry)
        a, b = (a + part(hex, 1)) % 2 ^ 40, (b + part(hex, 11)) % 2 ^ 40 -- exact only below 2^53
    end
    looked = looked + #list
    return string.format('%.0f %.0f %d', a, b, #list)
end

local DIGEST = {
    hash = function(key) return digest_entries(redis.call('HGETALL', key), 2) end,
    set = function(key) return digest_entries(redis.call('SMEMBERS', key), 1) end,
    zset = function(key)
        return digest_entries(redis.call('ZREVRANGE', key, '0', '-1', 'WITHSCORES'), 2)
    end,
    list = function(key)
        local list, numbered = redis.call('LRANGE', key, '0', '-1'), {}
        for i, element in ipairs(list) do
            numbered[2 * i - 1], numbered[2 * i] = tostring(i), element
        end
        return digest_entries(numbered, 2)
    end,
    string = function(key)
        if redis.call('GETRANGE', key, '0', '3') == 'HYLL' then
            return 'hll ' .. redis.call('PFCOUNT', key)
        end
        return redis.sha1hex(redis.call('GET', key))
    end,
}

-- Milliseconds are what an expiry was set in; Redis before 7 can only say how long it is still to go.
local function ends(key)
    local at = redis.pcall('PEXPIRETIME', key)
    return type(at) == 'number' and string.format('%.0f', at) or ''
end

local function digest(key)
    local kind = redis.call('TYPE', key).ok
    looked = looked + 1
    if kind == 'none' then
        return nil
    end
    return kind .. ' ' .. (DIGEST[kind] and DIGEST[kind](key) or '') .. ' ' .. ends(key)
end

local ACTION = {}

function ACTION.keys()
    local prefix, answer = ARGV[3], {}
    local found = redis.call('SCAN', ARGV[2], 'COUNT', SCAN_COUNT)
    answer[1] = found[1]
    for _, key in ipairs(found[2]) do
        if key:sub(1, #prefix) == prefix then
            key = key:sub(#prefix + 1)
            for i = 4, #ARGV do
                if key:sub(1, #ARGV[i]) == ARGV[i] then
                    answer[#answer + 1] = key
                    break
                end
            end
        end
    end
    return answer
end

function ACTION.compare()
    local codes = {}
    for i = 3, #ARGV do
        local live, made = digest(ARGV[i]), digest(ARGV[2] .. ARGV[i])
        codes[#codes + 1] = live == made and '=' or not live and '+' or not made and '-' or '~'
        if looked > ENTRIES_MAX then
            break
        end
    end
    return {table.concat(codes)}
end

function ACTION.digest()
    local answer = {}
    for i = 2, #ARGV do
        answer[#answer + 1] = digest(ARGV[i]) or ''
        if looked > ENTRIES_MAX then
            break
        end
    end
    return answer
end

return ACTION[ARGV[1]]()
