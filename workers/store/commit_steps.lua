-- commit_steps.lua: the steps of the commit rule that do not depend on where the changes come from: the
-- next events of the log (commit.lua) or parked ones (unpark.lua). The build puts it between
-- commit_newest.lua and either.

-- The parts of a position: epoch, offset, fingerprint, park revision. They stay texts: a Lua number is
-- exact only up to 2^53.
local function parts(position)
    return match(position, '^(%S+) (%d+) (%d+) (%d+)$')
end

----------------------------------------------------------------------------------- (1) the position

-- What stands in the cursor: the position, until when it is held, the mark `torn`, the epoch of the view,
-- the mark `switching`, and the further fields that are asked for; or nil and the answer.
local function stands(cursor, partition, ...)
    local standing = try('HMGET', cursor, partition, partition .. '/hold', partition .. '/torn', 'epoch',
        'switching', ...)
    if standing.err then
        if find(standing.err, 'WRONGTYPE', 1, true) then
            return nil, {'foreign', cursor .. ' is not a hash but ' .. call('TYPE', cursor).ok}
        end
        return nil, {'failed', standing.err}
    end
    if standing[3] then
        return nil, {'torn', standing[3]}
    end
    return standing
end

local HOLD_MAX = 60000 -- ms; nobody holds for longer

-- May nobody commit now, or only up to an offset (generation.lua)? Then the answer. A hold ends by Redis'
-- clock: whoever set it may have died. A switch that has begun does not end but by being finished.
-- to_offset: of a live commit. `parked retry` has none, and is not held by what it has asked for itself.
local function held(standing, to_offset)
    if standing[5] then
        return {'frozen'}
    end
    local ends, limit, by = match(standing[2] or '', '^(%d+) (%d*) ?(%a*)$')
    if not ends or (limit ~= '' and to_offset and at_least(limit, to_offset)) or
        (by == 'retry' and not to_offset) then
        return nil
    end
    local time = call('TIME')
    local left = tonumber(ends) - (time[1] * 1000 + floor(time[2] / 1000))
    if left < 0 or left > HOLD_MAX then -- the clock may have gone back, by a fail-over
        return nil
    end
    return {'frozen', limit}
end

--------------------------------------------------------------------------------- (2) read and compute

-- w: the changes as they came, for KEYS[row] and the keys behind it.
local function compute(w, row)
    local at, index, last = 1, 0, #w
    while at <= last do
        local structure, count = w[at], w[at + 1]
        local compute_row = structure < STAMPED and ROW[structure] or stamped_row
        compute_row(w, at + 2, at + 1 + count * 3, index, KEYS[row], structure - STAMPED)
        at, row, index = at + 2 + count * 3, row + 1, index + count
    end
    write_stamps()
end

-- Which of Fanfold's own keys KEYS[first … last] is not a hash, or nil.
local function no_hash(first, last)
    for i = first, last do
        local reply = try('HLEN', KEYS[i])
        if type(reply) == 'table' then
            return KEYS[i] .. ': ' .. reply.err
        end
    end
end

-- A command that the user may not run any more must be known now: asked once for each (Redis 7; before,
-- only the check at the start tells). The keys, Redis has checked with EVALSHA.
local function forbidden()
    local asked = {}
    for i = 1, redis.acl_check_cmd and planned or 0 do
        local command = plan[i]
        local name = command[1]
        if not asked[name] then
            asked[name] = true
            if name == 'KEEP_AGE' then
                name, command = 'ZREMRANGEBYSCORE', {'ZREMRANGEBYSCORE', command[2], '0', '0'}
            end
            if not redis.acl_check_cmd(unpack(command)) then
                return 'NOPERM the user may not run ' .. name .. ' on ' .. command[2]
            end
        end
    end
end

-- The answer when something of step (2) stands against writing; else nil.
local function hinders()
    if unreadable then
        return {'failed', unreadable}
    end
    if odd_stamp then
        return {'foreign', odd_stamp}
    end
    if #faults > 1 then
        return faults
    end
    local denied = forbidden()
    return denied and {'failed', denied} or nil
end

------------------------------------------------------------------------------------ (3) write and (4)

-- Members with a score below the highest minus age go.
local function keep_age(key, age)
    local top = call('ZREVRANGE', key, '0', '0', 'WITHSCORES')
    if top[2] then
        call('ZREMRANGEBYSCORE', key, '-inf', '(' .. format('%.17g', tonumber(top[2]) - tonumber(age)))
    end
end

local function write_plan()
    for i = 1, planned do
        local command = plan[i]
        if command[1] == 'KEEP_AGE' then
            keep_age(command[2], command[3])
        else
            call(unpack(command))
        end
    end
end

-- Writes these fields of the cursor, the position among them, then all that is planned. The answer.
local function carry_out(cursor, partition, fields)
    local first = try('HSET', cursor, unpack(fields))
    if type(first) == 'table' then
        return {'failed', first.err}
    end
    local done, why = pcall(write_plan)
    if not done then
        local text = type(why) == 'table' and why.err or tostring(why)
        try('HSET', cursor, partition .. '/torn', text) -- until somebody mends the rows
        return {'torn', text}
    end
    return {'ok'}
end
