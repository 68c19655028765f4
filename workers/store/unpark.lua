-- unpark.lua: takes events out of the parked set: folded in by a retry, or dropped. It is a commit like
-- any other (commit.lua has the rule: read, compute, then write the position first), but not at the end
-- of the log: live commits go on beside it. So (1) compares other things:
--
--   - the epoch must be the one that the events were folded for;
--   - every event that it names must be parked still. That makes two retries at once apply once, and a
--     retry after a lost reply harmless; and it is enough: live commits only add events, at higher
--     offsets, and only events that come in order out of the head of their sequence are folded. (To
--     compare the park revision would be stricter without being safer, and under a key that live events
--     keep arriving for, a retry would hardly ever come through.)
--   - a view may read rows (`with`): then each row that the events were folded with must be what it was,
--     value for value. What is folded depends on nothing else: the events do not change, and what the
--     step itself changes, no event of it reads (it ends before). So the step gives what it would give
--     if it were folded here and now. Again not the position: that moves with every live commit, and a
--     retry beside live traffic would starve. A row conflicts only if it is changed in the one round
--     trip between its reading and this; those of a parked event's own key mostly rest, because later
--     events of that key wait. Where one does not, the answer is `stale`, and the step is tried again
--     with half of its events, down to one, which is given up with a reason after a hundred times
--     (retry_steps.c).
--
-- The position keeps offset and fingerprint; its park revision rises, so that every batch that was folded
-- without knowing of this conflicts, and its worker reads the parked set anew. It rises by an amount that
-- depends on what is taken out: when a fail-over loses this and something else is taken out then, equal
-- revisions must not stand for different parked sets (batcher.c has the same for what is put in). The
-- tally is changed here, because live commits change it too.
--
-- KEYS  1 fanfold:cursor:<view>   2 fanfold:parked:<view>:<partition>
--       3 fanfold:parked-payload:<view>:<partition>   4 fanfold:waiting:<view>:<partition>
--       5 fanfold:dropped:<view>:<partition>   6… the rows that are written, each once
--       … then the rows that were read, each once, and the stamps as in commit.lua
-- ARGV  1 partition   2 epoch   3 how many of the events count as reordered   4 "1": a trial, no writing
--       5 changes, as in commit.lua
--       6 events, MessagePack, one flat array; for each:
--         offset, enum unpark_what, key or 0, record or 0, payload or 0
--       7 what was read, MessagePack, one flat array: how many rows; for each, in the order of KEYS:
--         structure, n, then n texts: a hash's fields and values, a set's members, or the one text;
--         n = 0: there was no row
-- Answer: as commit.lua, without `already`; also stale, key: a row that was read is another by now; or
--         building, generation: nothing may be dropped now

local FOLDED, DROPPED, FAILED = 0, 1, 2 -- enum unpark_what

----------------------------------------------------------------------- (1) the epoch, and what is parked

local cursor, parked_key, payload_key, waiting_key, dropped_key = unpack(KEYS, 1, 5)
local partition = ARGV[1]
local standing, other = stands(cursor, partition, partition .. '/tally', partition .. '/reordered',
    'building')
if not standing then
    return other
end
local stored = standing[1] or ''
local epoch, offset, fingerprint, park_revision = parts(stored)
if epoch ~= ARGV[2] then
    return {'conflict', stored}
end
other = held(standing)
if other then
    return other
end
local wrong = no_hash(2, 5)
if wrong then
    return {'foreign', wrong}
end
local events = cmsgpack.unpack(ARGV[6])

local function all_parked()
    local offsets = {}
    for i = 1, #events, 5 do
        offsets[#offsets + 1] = events[i]
    end
    for first = 1, #offsets, ARGS_MAX do
        local last = first + ARGS_MAX - 1
        last = last < #offsets and last or #offsets
        local records = call('HMGET', parked_key, unpack(offsets, first, last))
        for i = 1, last - first + 1 do
            if not records[i] then
                return false
            end
        end
    end
    return true
end
if not all_parked() then
    return {'conflict', stored}
end

-- Does the key hold these texts, and no others? w[from … to]
local function holds_pairs(key, w, from, to)
    if try('HLEN', key) ~= (to - from + 1) / 2 then
        return false
    end
    local held, values = call('HGETALL', key), {}
    for i = 1, #held, 2 do
        values[held[i]] = held[i + 1]
    end
    for i = from, to, 2 do
        if values[w[i]] ~= w[i + 1] then
            return false
        end
    end
    return true
end

local function holds_members(key, w, from, to)
    if try('SCARD', key) ~= to - from + 1 then
        return false
    end
    local is_member = {}
    for _, member in ipairs(call('SMEMBERS', key)) do
        is_member[member] = true
    end
    for i = from, to do
        if not is_member[w[i]] then
            return false
        end
    end
    return true
end

local function holds_text(key, w, from, to)
    return try('GET', key) == (from <= to and w[from])
end

local HOLDS = {[0] = holds_pairs, [1] = holds_text, [3] = holds_members, [6] = holds_text}

-- The key of a row that is not what it was, or nil.
local function stale_row(w)
    local first, at = #KEYS - w[1], 2
    if find(KEYS[#KEYS], '^fanfold:newest:') then -- the stamps stand behind them
        first = first - 1
    end
    for i = 1, w[1] do
        local to = at + 1 + w[at + 1]
        if not HOLDS[w[at]](KEYS[first + i], w, at + 2, to) then
            return KEYS[first + i]
        end
        at = to + 1
    end
end
local stale = stale_row(cmsgpack.unpack(ARGV[7]))
if stale then
    return {'stale', stale}
end

--------------------------------------------------------------------------------- (2) read and compute

compute(cmsgpack.unpack(ARGV[5]), 6)

local folded, dropped = 0, 0
local keys, left = {}, {} -- the keys of events that go, and how many go of each
local function plan_events()
    local gone, drops, records, payloads = {}, {}, {}, {}
    for i = 1, #events, 5 do
        local at, what, key, record, payload = unpack(events, i, i + 4)
        if what == FAILED then
            records[#records + 1], records[#records + 2] = at, record
            if payload ~= 0 then
                payloads[#payloads + 1], payloads[#payloads + 2] = at, payload
            end
        else
            gone[#gone + 1] = at
            if what == DROPPED then
                dropped = dropped + 1
                drops[#drops + 1], drops[#drops + 2] = at, record
            else
                folded = folded + 1
            end
            if key ~= 0 then
                keys[#keys + 1] = not left[key] and key or nil
                left[key] = (left[key] or 0) + 1
            end
        end
    end
    write('HSET', parked_key, records)
    write('HSET', payload_key, payloads)
    write('HSET', dropped_key, drops)
    write('HDEL', parked_key, gone)
    write('HDEL', payload_key, gone)
end

-- How many events are parked under each key now; why that cannot be said, or nil.
local function plan_waiting()
    local counts, none = {}, {}
    for _, key in ipairs(keys) do
        local held = call('HGET', waiting_key, key) or '0'
        local count = int_of(held)
        if not count or count < left[key] then
            return 'field ' .. key .. ' of ' .. waiting_key .. ' is ' .. held .. ', though ' ..
                int_text(left[key]) .. ' or more events are parked under that key'
        end
        if count == left[key] then
            none[#none + 1] = key
        else
            counts[#counts + 1], counts[#counts + 2] = key, int_text(count - left[key])
        end
    end
    write('HSET', waiting_key, counts)
    write('HDEL', waiting_key, none)
end

-- The tally after this; nil when what is stored is none.
local function new_tally(text)
    local was = {match(text, '^folded=(%d+) ignored=(%d+) duplicates=(%d+) parked=(%d+) skipped=(%d+)$')}
    for i = 1, 5 do
        was[i] = was[i] and int_of(was[i])
    end
    if #was < 5 or was[4] < folded + dropped then
        return nil
    end
    return format('folded=%.0f ignored=%.0f duplicates=%.0f parked=%.0f skipped=%.0f', was[1] + folded,
        was[2], was[3], was[4] - folded - dropped, was[5] + dropped)
end

-- 1 … 2^28, by which events go and how.
local function revision_step()
    local texts = {}
    for i = 1, #events, 5 do
        texts[#texts + 1] = events[i] .. ' ' .. events[i + 1]
    end
    return 1 + tonumber(redis.sha1hex(table.concat(texts, ',')):sub(1, 7), 16)
end

plan_events()
wrong = plan_waiting()
if wrong then
    return {'foreign', wrong}
end
if dropped > 0 and standing[8] then -- the generation may have folded it: nothing takes it out again
    return {'building', standing[8]}
end
local tally = new_tally(standing[6] or '')
if not tally then
    return {'foreign', 'field ' .. partition .. '/tally of ' .. cursor .. ' is ' ..
        (standing[6] or 'not there') .. ', which does not count the events that are parked'}
end
local fields = {partition, epoch .. ' ' .. offset .. ' ' .. fingerprint .. ' ' ..
    int_text(tonumber(park_revision) + revision_step()), partition .. '/tally', tally}
if ARGV[3] ~= '0' then
    fields[5], fields[6] = partition .. '/reordered',
        int_text((int_of(standing[7] or '0') or 0) + tonumber(ARGV[3]))
end
local hindrance = hinders()
if hindrance then
    return hindrance
end
if ARGV[4] == '1' then
    return {'ok'}
end

------------------------------------------------------------------------------------ (3) write and (4)

return carry_out(cursor, partition, fields)
