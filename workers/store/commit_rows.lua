-- commit_rows.lua: step (2) of the commit rule (commit.lua) for rows; the build puts it before
-- commit_newest.lua, commit_steps.lua, and commit.lua or unpark.lua. Reads and computes one row after the other and plans the commands that write it.
--
-- Each row function gets w, the changes as they came, w[from … to] being those of its row, three
-- elements each; index, the first one's place on the wire; and the row's key. It adds to `plan`, or
-- records one fault: the first in the order of the row's changes.

local call, try = redis.call, redis.pcall
local byte, find, format, match = string.byte, string.find, string.format, string.match
local tonumber, type, unpack, floor = tonumber, type, unpack, math.floor

local INT_MAX = 9007199254740992 -- 2^53
local ARGS_MAX = 1000 -- arguments of one command; an even number; Lua's unpack ends near 8,000

-- enum change_op, doubled; + 1 with CHANGE_OWN_INTEGER
local HASH_SET, HASH_SET_ONCE, HASH_ADD, HASH_ADD_OWN, HASH_MAX, HASH_MIN, HASH_REMOVE =
    2, 4, 6, 7, 8, 10, 12
local COUNTER_ADD = 14
local ZSET_SCORE, ZSET_ADD, ZSET_ADD_OWN, ZSET_MAX, ZSET_MIN, ZSET_REMOVE = 16, 18, 19, 20, 22, 24
local ZSET_KEEP, ZSET_KEEP_AGE = 26, 28
local SET_INCLUDE, SET_EXCLUDE = 30, 32
local LIST_PUSH, LIST_KEEP = 34, 36
local HLL_COUNT, JSON_PUT, DELETE, EXPIRE, STAMP = 38, 40, 42, 44, 46

local plan, planned = {}, 0 -- the commands that write, each a table of arguments
local faults = {'faults'}
local unreadable -- a read that the server refused for another reason than the type

---------------------------------------------------------------------------------- texts and numbers

local function int_text(n)
    return format('%.0f', n) -- never "-0": a total starts from 0, and 0 + -0 is 0
end

-- The value of an integer text as Fanfold writes it, within ±2^53; else nil. (tonumber alone takes
-- blanks, hexadecimal and exponents, and rounds 2^53 + 1 to 2^53.)
local function int_of(text)
    if text ~= '0' and not find(text, '^%-?[1-9]%d*$') then
        return nil
    end
    local n = tonumber(text)
    if n > -INT_MAX and n < INT_MAX then
        return n
    end
    return (text == '9007199254740992' or text == '-9007199254740992') and n or nil
end

-- Is text a JSON number (RFC 8259 section 6)?
local function is_number(text)
    if find(text, '^%-?[1-9]%d*$') then
        return true
    end
    local int, frac, exp = match(text, '^%-?(%d+)(%.?%d*)([eE]?[+-]?%d*)$')
    return int ~= nil and (#int == 1 or byte(int) ~= 48) and frac ~= '.' and
        (exp == '' or find(exp, '^[eE][+-]?%d+$') ~= nil)
end

-- a < b in byte order. Lua's own < asks the server's locale.
local function bytes_less(a, b)
    local shorter = #a < #b and #a or #b
    for i = 1, shorter, 4 do
        local a1, a2, a3, a4 = byte(a, i, i + 3)
        local b1, b2, b3, b4 = byte(b, i, i + 3)
        if a1 ~= b1 then
            return a1 < b1
        elseif a2 ~= b2 then
            return (a2 or -1) < (b2 or -1)
        elseif a3 ~= b3 then
            return (a3 or -1) < (b3 or -1)
        elseif a4 ~= b4 then
            return (a4 or -1) < (b4 or -1)
        end
    end
    return #a < #b
end

-- a >= b, of integer texts without signs: a Lua number is exact only up to 2^53.
local function at_least(a, b)
    return #a > #b or (#a == #b and not bytes_less(a, b))
end

-- Does `given` replace what is `held` by MAX (or MIN)? nil: a number and a text.
local function replaces(held, given, max)
    if held == given then
        return false
    end
    local number = is_number(held)
    if number ~= is_number(given) then
        return nil
    end
    if number then
        held, given = tonumber(held), tonumber(given)
        if max then
            return held < given
        end
        return given < held
    end
    if max then
        return bytes_less(held, given)
    end
    return bytes_less(given, held)
end

-- Would n + delta pass ±2^53? (The sum itself may round back to it.)
local function passes(n, delta)
    if delta >= 0 then
        return n > INT_MAX - delta
    end
    return n < -INT_MAX - delta
end

local function fault(index, foreign, text)
    local n = #faults
    faults[n + 1], faults[n + 2], faults[n + 3] = index, foreign and 1 or 0, text
    return true
end

-- A change for another structure under the same key: two key templates that give one key.
local function fault_op(index, key, structure)
    return fault(index, false, key .. ' is a ' .. structure ..
        ' for earlier changes of this batch, and another structure for this one')
end

local function fault_total(index, key, what, n, delta)
    return fault(index, false, what .. ' of ' .. key .. ' is ' .. int_text(n) .. '; adding ' ..
        int_text(delta) .. ' would go beyond 2^53 (9007199254740992)')
end

-- Was the reply of a first read of a row an error? Then it is recorded.
local function bad(reply, index, key, structure)
    if type(reply) ~= 'table' or not reply.err then
        return false
    end
    if find(reply.err, 'WRONGTYPE', 1, true) then
        return fault(index, true, key .. ' is not a ' .. structure .. ' but ' ..
            call('TYPE', key).ok)
    end
    unreadable = unreadable or (key .. ': ' .. reply.err)
    return true
end

-------------------------------------------------------------------------------------- the write plan

-- Plans command(key, list…), in portions that unpack can take.
local function write(command, key, list)
    local count = #list
    for from = 1, count, ARGS_MAX do
        local to = from + ARGS_MAX - 1
        planned = planned + 1
        plan[planned] = {command, key, unpack(list, from, to < count and to or count)}
    end
end

local function write_expire(key, expire)
    if expire then
        planned = planned + 1
        plan[planned] = {'PEXPIREAT', key, expire}
    end
end

local function write_delete(key)
    planned = planned + 1
    plan[planned] = {'UNLINK', key}
end

------------------------------------------------------------------------------------------- the rows

-- Which operations need the value that is there before.
local READS = {
    [HASH_SET_ONCE] = true, [HASH_ADD] = true, [HASH_ADD_OWN] = true,
    [HASH_MAX] = true, [HASH_MIN] = true,
    [ZSET_ADD] = true, [ZSET_ADD_OWN] = true, [ZSET_MAX] = true, [ZSET_MIN] = true,
}

-- The fields that changes up to the first DELETE need, each once.
local function fields_to_read(w, from, to)
    local fields, count, seen = {}, 0, {}
    for i = from, to, 3 do
        local op = w[i]
        if op == DELETE then
            break
        end
        if READS[op] and not seen[w[i + 1]] then
            count = count + 1
            seen[w[i + 1]] = true
            fields[count] = w[i + 1]
        end
    end
    return fields, count
end

-- Reads those fields into a table field → text (false: absent). nil: a fault was recorded.
-- one, many: the commands for one and for many fields; none: one that only finds out the type.
local function read_fields(w, from, to, index, key, structure, one, many, none)
    if from + 2 == to and READS[w[from]] then -- most rows in a wide batch: one change
        local reply = try(one, key, w[from + 1])
        if bad(reply, index, key, structure) then
            return nil
        end
        return {[w[from + 1]] = reply}
    end
    local fields, count = fields_to_read(w, from, to)
    if count == 0 then
        if bad(try(none, key), index, key, structure) then
            return nil
        end
        return {}
    end
    local cells = {}
    for first = 1, count, ARGS_MAX do
        local last = first + ARGS_MAX - 1
        last = last < count and last or count
        local reply = try(many, key, unpack(fields, first, last))
        if bad(reply, index, key, structure) then
            return nil
        end
        for i = first, last do
            cells[fields[i]] = reply[i - first + 1]
        end
    end
    return cells
end

-- After HSET comes HDEL, so that a row that is not empty at the end keeps its expiry.
local function write_fields(key, cells, touched, count, deleted)
    if deleted then
        write_delete(key)
    end
    if count == 1 and cells[touched[1]] then
        local value = cells[touched[1]]
        planned = planned + 1
        plan[planned] = {'HSET', key, touched[1], type(value) == 'number' and int_text(value) or value}
        return
    end
    local sets, gone, n = {}, {}, 0
    for i = 1, count do
        local value = cells[touched[i]]
        if value then
            sets[n + 1] = touched[i]
            sets[n + 2] = type(value) == 'number' and int_text(value) or value
            n = n + 2
        elseif not deleted then
            gone[#gone + 1] = touched[i]
        end
    end
    write('HSET', key, sets)
    write('HDEL', key, gone)
end

local function hash_row(w, from, to, index, key)
    -- cells: text, number (a total), or false; touched: the fields that are written, in order at
    -- 1, 2, …, and each as a key of its own (it is a text, so they cannot meet)
    local cells = read_fields(w, from, to, index, key, 'hash', 'HGET', 'HMGET', 'HLEN')
    if not cells then
        return
    end
    local touched, count = {}, 0
    local deleted, expire = false, nil
    for i = from, to, 3 do
        local op, field, value = w[i], w[i + 1], w[i + 2]
        local held = cells[field]
        local result = nil -- nil: nothing is written
        if op == HASH_ADD or op == HASH_ADD_OWN then
            local n = held or 0
            if type(n) == 'string' then
                n = int_of(n)
                if not n then
                    return fault(index + (i - from) / 3, op == HASH_ADD_OWN,
                        'field ' .. field .. ' of ' .. key .. ' is not an integer but ' .. held)
                end
            end
            local delta = tonumber(value)
            if passes(n, delta) then
                return fault_total(index + (i - from) / 3, key, 'field ' .. field, n, delta)
            end
            result = n + delta
        elseif op == HASH_SET then
            result = value
        elseif op == HASH_MAX or op == HASH_MIN then
            if type(held) == 'number' then
                held = int_text(held)
            end
            local better = not held
            if held then
                better = replaces(held, value, op == HASH_MAX)
                if better == nil then
                    return fault(index + (i - from) / 3, false, 'field ' .. field .. ' of ' .. key ..
                        ' is ' .. held .. '; it cannot be compared with ' .. value ..
                        ': one is a number, the other a text')
                end
            end
            if better then
                result = value
            end
        elseif op == HASH_SET_ONCE then
            if not held then
                result = value
            end
        elseif op == HASH_REMOVE then
            result = false
        elseif op == DELETE then
            cells, touched, count, deleted, expire = {}, {}, 0, true, nil
        elseif op == EXPIRE then
            expire = value
        else
            return fault_op(index + (i - from) / 3, key, 'hash')
        end
        if result ~= nil then
            cells[field] = result
            if not touched[field] then
                count = count + 1
                touched[count], touched[field] = field, true
            end
        end
    end
    write_fields(key, cells, touched, count, deleted)
    write_expire(key, expire)
end

local function write_scores(key, cells, texts, touched, count, deleted)
    if deleted then
        write_delete(key)
    end
    if count == 1 and cells[touched[1]] then
        planned = planned + 1
        plan[planned] = {'ZADD', key, texts[touched[1]], touched[1]}
        return
    end
    local scores, gone, n = {}, {}, 0
    for i = 1, count do
        local member = touched[i]
        if cells[member] then
            scores[n + 1], scores[n + 2] = texts[member], member
            n = n + 2
        elseif not deleted then
            gone[#gone + 1] = member
        end
    end
    write('ZADD', key, scores)
    write('ZREM', key, gone)
end

local function zset_row(w, from, to, index, key)
    -- cells: score as text or number, or false; texts: how a new score is written
    local cells = read_fields(w, from, to, index, key, 'zset', 'ZSCORE', 'ZMSCORE', 'ZCARD')
    if not cells then
        return
    end
    local touched, count, texts = {}, 0, {}
    local deleted, expire, keep, keep_age = false, nil, nil, nil
    for i = from, to, 3 do
        local op, member, value = w[i], w[i + 1], w[i + 2]
        local held = cells[member]
        local result, text = nil, nil
        if op == ZSET_ADD or op == ZSET_ADD_OWN then
            local n = held and tonumber(held) or 0
            if n ~= floor(n) or n > INT_MAX or n < -INT_MAX then
                return fault(index + (i - from) / 3, op == ZSET_ADD_OWN,
                    'the score of ' .. member .. ' in ' .. key .. ' is not an integer but ' .. held)
            end
            local delta = tonumber(value)
            if passes(n, delta) then
                return fault_total(index + (i - from) / 3, key, 'the score of ' .. member, n, delta)
            end
            result = n + delta
            text = int_text(result)
        elseif op == ZSET_SCORE then
            result, text = tonumber(value), value
        elseif op == ZSET_MAX or op == ZSET_MIN then
            local old, new = held and tonumber(held), tonumber(value)
            if not old or (op == ZSET_MAX and old < new) or (op == ZSET_MIN and new < old) then
                result, text = new, value
            end
        elseif op == ZSET_REMOVE then
            result = false
        elseif op == ZSET_KEEP then
            keep = value
        elseif op == ZSET_KEEP_AGE then
            keep_age = value
        elseif op == DELETE then
            cells, touched, count, deleted = {}, {}, 0, true
            expire, keep, keep_age = nil, nil, nil
        elseif op == EXPIRE then
            expire = value
        else
            return fault_op(index + (i - from) / 3, key, 'zset')
        end
        if result ~= nil then
            cells[member], texts[member] = result, text
            if not touched[member] then
                count = count + 1
                touched[count], touched[member] = member, true
            end
        end
    end
    write_scores(key, cells, texts, touched, count, deleted)
    if keep then
        planned = planned + 1
        plan[planned] = {'ZREMRANGEBYRANK', key, '0', int_text(-tonumber(keep) - 1)}
    end
    if keep_age then
        planned = planned + 1
        plan[planned] = {'KEEP_AGE', key, keep_age}
    end
    write_expire(key, expire)
end

local function set_row(w, from, to, index, key)
    if bad(try('SCARD', key), index, key, 'set') then
        return
    end
    local cells, touched, deleted, expire = {}, {}, false, nil
    for i = from, to, 3 do
        local op, member = w[i], w[i + 1]
        if op == DELETE then
            cells, touched, deleted, expire = {}, {}, true, nil
        elseif op == EXPIRE then
            expire = w[i + 2]
        elseif op == SET_INCLUDE or op == SET_EXCLUDE then
            if cells[member] == nil then
                touched[#touched + 1] = member
            end
            cells[member] = op == SET_INCLUDE
        else
            return fault_op(index + (i - from) / 3, key, 'set')
        end
    end
    if deleted then
        write_delete(key)
    end
    local members, gone = {}, {}
    for i = 1, #touched do
        if cells[touched[i]] then
            members[#members + 1] = touched[i]
        elseif not deleted then
            gone[#gone + 1] = touched[i]
        end
    end
    write('SADD', key, members)
    write('SREM', key, gone)
    write_expire(key, expire)
end

local function list_row(w, from, to, index, key)
    if bad(try('LLEN', key), index, key, 'list') then
        return
    end
    local pushed, deleted, expire, keep = {}, false, nil, nil
    for i = from, to, 3 do
        local op = w[i]
        if op == LIST_PUSH then
            pushed[#pushed + 1] = w[i + 2]
        elseif op == LIST_KEEP then
            keep = tonumber(w[i + 2])
        elseif op == DELETE then
            pushed, deleted, expire, keep = {}, true, nil, nil
        elseif op == EXPIRE then
            expire = w[i + 2]
        else
            return fault_op(index + (i - from) / 3, key, 'list')
        end
    end
    if deleted then
        write_delete(key)
    end
    write('LPUSH', key, pushed)
    if keep then
        planned = planned + 1 -- LTRIM 1 0 leaves nothing; 0 -1 would leave all
        plan[planned] = keep > 0 and {'LTRIM', key, '0', int_text(keep - 1)} or {'LTRIM', key, '1', '0'}
    end
    write_expire(key, expire)
end

-- Counters and JSON documents: a text under the key.
local function text_row(w, from, to, index, key, structure)
    -- Of a document only the beginning is looked at: it is replaced as a whole.
    local held
    if structure == 'counter' then
        held = try('GET', key)
    else
        held = try('GETRANGE', key, '0', '15')
    end
    if bad(held, index, key, structure) then
        return
    end
    if held and find(held, '^HYLL') then
        return fault(index, true, key .. ' is not a ' .. structure .. ' but an hll')
    end
    local result, deleted, expire = nil, false, nil
    for i = from, to, 3 do
        local op, value = w[i], w[i + 2]
        if op == COUNTER_ADD then
            local n = held or 0
            if type(n) == 'string' then
                n = int_of(n)
                if not n then
                    return fault(index + (i - from) / 3, true,
                        key .. ' is not a counter but ' .. held)
                end
            end
            local delta = tonumber(value)
            if passes(n, delta) then
                return fault_total(index + (i - from) / 3, key, 'the value', n, delta)
            end
            held = n + delta
            result = held
        elseif op == JSON_PUT then
            held, result = value, value
        elseif op == DELETE then
            held, result, deleted, expire = false, nil, true, nil
        elseif op == EXPIRE then
            expire = value
        else
            return fault_op(index + (i - from) / 3, key, structure)
        end
    end
    if deleted then
        write_delete(key)
    end
    if result then
        planned = planned + 1
        plan[planned] = {'SET', key, type(result) == 'number' and int_text(result) or result, 'KEEPTTL'}
    end
    write_expire(key, expire)
end

-- Is what stands under a string key something that PFADD will take? Not asked with PFCOUNT: that
-- may write its cached count.
local function is_hll(head, key)
    if head == '' then
        return call('EXISTS', key) == 0
    end
    if #head < 16 or not find(head, '^HYLL') or byte(head, 5) > 1 then
        return false
    end
    return byte(head, 5) == 1 or call('STRLEN', key) == 12304 -- sparse, or dense of the only right size
end

local function hll_row(w, from, to, index, key)
    local head = try('GETRANGE', key, '0', '15')
    if bad(head, index, key, 'hll') then
        return
    end
    if not is_hll(head, key) then
        return fault(index, true, key .. ' is not an hll but another text')
    end
    local elements, deleted, expire = {}, false, nil
    for i = from, to, 3 do
        local op = w[i]
        if op == HLL_COUNT then
            elements[#elements + 1] = w[i + 1]
        elseif op == DELETE then
            elements, deleted, expire = {}, true, nil
        elseif op == EXPIRE then
            expire = w[i + 2]
        else
            return fault_op(index + (i - from) / 3, key, 'hll')
        end
    end
    if deleted then
        write_delete(key)
    end
    write('PFADD', key, elements)
    write_expire(key, expire)
end

-- enum structure
local ROW = {
    [0] = hash_row,
    [1] = function(w, from, to, index, key) return text_row(w, from, to, index, key, 'counter') end,
    [2] = zset_row,
    [3] = set_row,
    [4] = list_row,
    [5] = hll_row,
    [6] = function(w, from, to, index, key) return text_row(w, from, to, index, key, 'json') end,
}
