-- generation.lua: generations of a view (include/fanfold/generation.h): begin, hold, switch, remove, adopt.
--
-- A generation's own keys are those of a view named "<view>@<g>", so a switch renames them. Why nothing
-- is lost or counted twice when a worker is in the middle of something: after the switch the cursor of
-- the view has the new epoch, and that of "<view>@<g>" is gone, so whatever was folded for either
-- conflicts (rule (1) of commit.lua); a build begins only where its epoch is stored, so nobody begins a
-- build that has ended.
--
-- A switch is one script where the rows are few. Else it is a row of steps: the mark `switching` in the
-- cursor keeps commits out, and fanfold:rebuilds says how far it has come (`phase`, `at`: a SCAN cursor),
-- so that anybody can do the next step, also after a crash in any of them:
--   surplus   live rows that the build does not have go (no row has changed places yet)
--   rename    rows of the build take the places of the live ones
--   finish    so do position, definition and parked events; the build is over
-- A removal has the phases sweep (its rows go) and finish.
--
-- KEYS  1 fanfold:cursor:<view>   2 fanfold:rebuilds   3 fanfold:generations   4 fanfold:kept
-- ARGV  1 action   2 view   3… as each action says
-- Answer: ok, …   or   no, why (for a person)

local cursor, builds, generations, kept = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local action, view = ARGV[1], ARGV[2]
local STEP = 2000 -- keys that one step looks at

if redis.replicate_commands then
    redis.replicate_commands() -- before Redis 7: SCAN, then writes
end

local function now()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function text(n)
    return string.format('%.0f', n)
end

local function at_least(a, b)
    return #a > #b or (#a == #b and a >= b) -- digits only
end

local function load()
    local found = redis.call('HGET', builds, view)
    return found and cjson.decode(found) or nil
end

local function save(build)
    redis.call('HSET', builds, view, cjson.encode(build))
end

local function name_of(generation)
    return view .. '@' .. generation
end

local function next_generation()
    local standing = (redis.call('HGET', cursor, 'epoch') or ''):match('^%d+') or '1'
    return text(math.max(tonumber(redis.call('HGET', generations, view) or '1'), tonumber(standing)) + 1)
end

local function prefix_of(generation)
    return 'fanfold:g:' .. generation .. ':'
end

-- The offset in a position, or nothing.
local function offset_of(position)
    return position and position:match('^%S+ (%d+) ')
end

-- For each partition: the live position and that of the build, "" for none; and what was reordered.
local function positions(build)
    local shadow = 'fanfold:cursor:' .. name_of(build.generation)
    local answer = {'ok'}
    for _, partition in ipairs(build.partitions) do
        if redis.call('HGET', shadow, partition .. '/torn') then
            return {'no', 'a commit of the new generation was torn: `fanfold rebuild ' .. view .. ' --cancel`'}
        end
        answer[#answer + 1] = redis.call('HGET', cursor, partition) or ''
        answer[#answer + 1] = redis.call('HGET', shadow, partition) or ''
        answer[#answer + 1] = redis.call('HGET', cursor, partition .. '/reordered') or ''
    end
    return answer
end

-- A SCAN cursor is good for one life of the server: the next one has another hash seed.
local function life()
    return redis.call('INFO', 'server'):match('run_id:(%x+)')
end

----------------------------------------------------------------------------------------- own keys

local PARTS = {'parked', 'parked-payload', 'waiting'}

local function move(from, to)
    if redis.call('EXISTS', from) == 1 then
        redis.call('RENAME', from, to)
    else
        redis.call('UNLINK', to)
    end
end

-- Everything of Fanfold's own that stands under one name goes to another, or away.
local function move_own(partitions, from, to)
    local function each(key, rest)
        if to then
            move(key .. from .. rest, key .. to .. rest)
        else
            redis.call('UNLINK', key .. from .. rest)
        end
    end
    each('fanfold:cursor:', '')
    each('fanfold:newest:', '')
    for _, partition in ipairs(partitions) do
        for _, part in ipairs(PARTS) do
            each('fanfold:' .. part .. ':', ':' .. partition)
        end
    end
end

-- The build is over, and what stood under its name stands under the view's.
local function finish_switch(build)
    if build.keep then
        redis.call('HSET', kept, view, cjson.encode({generation = build.keep, rows = build.old_rows,
            old_rows = build.old_rows, partitions = build.old_partitions,
            old_partitions = build.old_partitions}))
    end
    move_own(build.old_partitions, view, build.keep and name_of(build.keep) or nil)
    move_own(build.partitions, name_of(build.generation), view)
    redis.call('HDEL', cursor, 'building', 'switching')
    if not build.aside then -- of another log: what was dropped there says nothing here
        for _, partition in ipairs(build.partitions) do
            redis.call('UNLINK', 'fanfold:dropped:' .. view .. ':' .. partition)
        end
    end
    redis.call('HDEL', builds, view)
end

----------------------------------------------------------------------------------------------- rows

local function starts(key, prefixes)
    for _, prefix in ipairs(prefixes) do
        if key:sub(1, #prefix) == prefix then
            return true
        end
    end
    return false
end

-- Rows may come to their end by themselves meanwhile.
local function keep_row(build, key)
    if not build.keep then
        redis.call('UNLINK', key)
    elseif redis.call('EXISTS', key) == 1 then
        redis.call('RENAME', key, prefix_of(build.keep) .. key)
    end
end

-- A row of the build takes its place.
local function place_row(build, key)
    local made = prefix_of(build.generation) .. key
    if build.keep or redis.call('EXISTS', made) == 0 then
        keep_row(build, key)
    end
    if redis.call('EXISTS', made) == 1 then
        redis.call('RENAME', made, key)
    end
end

local PHASE = {
    surplus = function(build, key)
        -- One whose successor may end before it takes its place goes, too: nothing would replace it.
        if starts(key, build.old_rows) and
            redis.call('PTTL', prefix_of(build.generation) .. key) ~= -1 then
            keep_row(build, key)
        end
    end,
    rename = function(build, key)
        local prefix = prefix_of(build.generation)
        if key:sub(1, #prefix) == prefix and starts(key:sub(#prefix + 1), build.rows) then
            place_row(build, key:sub(#prefix + 1))
        end
    end,
    sweep = function(build, key)
        local prefix = prefix_of(build.generation)
        if key:sub(1, #prefix) == prefix and starts(key:sub(#prefix + 1), build.rows) then
            redis.call('UNLINK', key)
        end
    end,
}

local NEXT = {surplus = 'rename', rename = 'finish', sweep = 'finish'}

local function finish(build)
    if build.state == 'switching' then
        finish_switch(build)
    else
        move_own(build.partitions, name_of(build.generation), nil)
        redis.call('HDEL', cursor, 'building')
        redis.call('HDEL', builds, view)
    end
end

local function step(build)
    if build.phase == 'finish' then
        finish(build)
        return {'ok', 'done'}
    end
    if build.life ~= life() then
        build.at, build.life = '0', life() -- what was done already is passed over
    end
    local found = redis.call('SCAN', build.at, 'COUNT', text(STEP))
    for _, key in ipairs(found[2]) do
        PHASE[build.phase](build, key)
    end
    build.at = found[1]
    if build.at == '0' then
        build.phase = NEXT[build.phase]
    end
    save(build)
    return {'ok', 'more'}
end

------------------------------------------------------------------------------------------- actions

local ACTION = {}

-- 3 definition   4 digest   5 the build, JSON   6… for each partition: the first offset
function ACTION.begin()
    if load() then
        return {'no', 'somebody else has begun to build a generation of it at this moment'}
    end
    local build = cjson.decode(ARGV[5])
    build.generation, build.state, build.tries = next_generation(), 'building', 1
    local shadow = 'fanfold:cursor:' .. name_of(build.generation)
    redis.call('HSET', generations, view, build.generation)
    redis.call('UNLINK', shadow)
    redis.call('HSET', shadow, 'epoch', build.generation .. '.' .. ARGV[4], 'definition', ARGV[3])
    for i, partition in ipairs(build.partitions) do
        if ARGV[5 + i] ~= '0' then
            redis.call('HSET', shadow, partition .. '/begins', ARGV[5 + i])
        end
    end
    redis.call('HSET', cursor, 'building', build.generation)
    save(build)
    return {'ok', cjson.encode(build)}
end

-- 3 generation   4 "1": strict
function ACTION.again()
    local build = load()
    if not build or build.generation ~= ARGV[3] then
        return {'no', 'the generation is not being built any more'}
    end
    build.tries, build.strict = build.tries + 1, ARGV[4] == '1'
    save(build)
    return {'ok', cjson.encode(build)}
end

-- 3 generation
function ACTION.positions()
    local build = load()
    if not build or build.generation ~= ARGV[3] then
        return {'no', 'the generation is not being built any more'}
    end
    return positions(build)
end

-- 3 generation   4 ms
function ACTION.hold()
    local build = load()
    if not build or build.generation ~= ARGV[3] or build.state ~= 'building' then
        return {'no', 'the generation is not being built any more'}
    end
    local ends = text(now() + tonumber(ARGV[4]))
    for _, partition in ipairs(build.partitions) do
        local offset = offset_of(redis.call('HGET', cursor, partition)) or ''
        redis.call('HSET', cursor, partition .. '/hold', ends .. ' ' .. offset)
    end
    return positions(build)
end

-- 3 ms   4… for each partition: its name, the offset up to which one may commit ("": no further)
-- Answers where each stands, "" for nowhere. This needs no build.
function ACTION.hold_at()
    local ends, answer = text(now() + tonumber(ARGV[3])), {'ok'}
    for i = 4, #ARGV, 2 do
        local offset = offset_of(redis.call('HGET', cursor, ARGV[i])) or ''
        redis.call('HSET', cursor, ARGV[i] .. '/hold', ends .. ' ' .. (ARGV[i + 1] ~= '' and ARGV[i + 1] or offset))
        answer[#answer + 1] = offset
    end
    return answer
end

-- 3 ms ("0": let go)   4… partitions
-- For `parked retry`: live commits wait, its own do not. It takes nothing from a comparison.
function ACTION.hold_live()
    local time, fields = now(), {}
    for i = 4, #ARGV do
        local field = ARGV[i] .. '/hold'
        local ends, by = (redis.call('HGET', cursor, field) or ''):match('^(%d+) %d* ?(%a*)$')
        if by == '' and tonumber(ends) >= time then
            return {'no', 'it is held for a switch or a comparison of generations; try again after it'}
        end
        fields[#fields + 1] = field
    end
    for i, field in ipairs(fields) do
        local offset = offset_of(redis.call('HGET', cursor, ARGV[3 + i])) or ''
        if ARGV[3] == '0' then
            redis.call('HDEL', cursor, field)
        else
            redis.call('HSET', cursor, field, text(time + tonumber(ARGV[3])) .. ' ' .. offset .. ' retry')
        end
    end
    return {'ok'}
end

-- 3… partitions
function ACTION.let_go()
    for i = 3, #ARGV do
        redis.call('HDEL', cursor, ARGV[i] .. '/hold')
    end
    return {'ok'}
end

-- 3 generation
function ACTION.release()
    local build = load()
    if build and build.generation == ARGV[3] then
        for _, partition in ipairs(build.partitions) do
            redis.call('HDEL', cursor, partition .. '/hold')
        end
    end
    return {'ok'}
end

-- Do both stand where they were compared, at the same offsets, and does nobody move the live one?
local function is_level(build, at)
    local time = now()
    for i, partition in ipairs(build.partitions) do
        local live, made = at[3 * i - 1], at[3 * i]
        local ends = (redis.call('HGET', cursor, partition .. '/hold') or ''):match('^%d+')
        if not ends or tonumber(ends) < time or offset_of(live) ~= offset_of(made) or
            live ~= ARGV[5 + 2 * i] or made ~= ARGV[6 + 2 * i] then
            return false
        end
    end
    return true
end

-- Nothing may be refused when rows have begun to change places (Redis 7 can be asked).
local function forbidden(build)
    local function may(...)
        return not redis.acl_check_cmd or redis.acl_check_cmd(...)
    end
    for _, start in ipairs(build.rows) do
        if not may('RENAME', prefix_of(build.generation) .. start .. 'x', start .. 'x') then
            return 'RENAME to ' .. start .. '…'
        end
    end
    for _, start in ipairs(build.old_rows) do
        if not may('UNLINK', start .. 'x') or not may('SCAN', '0') then
            return 'UNLINK ' .. start .. '…'
        end
        if build.keep and not may('RENAME', start .. 'x', prefix_of(build.keep) .. start .. 'x') then
            return 'RENAME ' .. start .. '…'
        end
    end
end

-- 3 generation   4 "1": keep the former rows   5 rows of the build, MessagePack   6 live rows that it has
-- not; both "" : in steps   7… for each partition: the live position and that of the build, as compared
function ACTION.switch()
    local build = load()
    if not build or build.generation ~= ARGV[3] or build.state ~= 'building' then
        return {'no', 'the generation is not being built any more'}
    end
    local at = positions(build)
    if at[1] ~= 'ok' then
        return at
    end
    if build.follows and not is_level(build, at) then
        return {'no', 'the view has moved on meanwhile'}
    end
    if ARGV[4] == '1' then
        if redis.call('HGET', kept, view) then
            return {'no', 'a former generation is kept already: `fanfold rebuild ' .. view ..
                ' --drop-old` removes it'}
        end
        build.keep = (redis.call('HGET', cursor, 'epoch') or ''):match('^%d+')
    end
    local refused = forbidden(build)
    if refused then
        return {'no', 'the Redis user may not do this: ' .. refused}
    end
    build.state, build.phase, build.at = 'switching', 'surplus', '0'
    save(build) -- the first write: refused, it changes nothing
    redis.call('HSET', cursor, 'switching', build.generation)
    redis.call('HSET', 'fanfold:cursor:' .. name_of(build.generation), 'switching', build.generation)
    if ARGV[5] == '' then
        return {'ok', 'more'}
    end
    for _, key in ipairs(cmsgpack.unpack(ARGV[6])) do
        keep_row(build, key)
    end
    build.phase = 'rename'
    save(build)
    for _, key in ipairs(cmsgpack.unpack(ARGV[5])) do
        place_row(build, key)
    end
    finish_switch(build)
    return {'ok', 'done'}
end

-- 3 generation
function ACTION.stop()
    local build = load()
    if not build or build.generation ~= ARGV[3] then
        return {'no', 'the generation is not being built any more'}
    end
    if build.state == 'switching' then
        return {'no', 'the switch to it has begun, and can only be finished'}
    end
    redis.call('UNLINK', 'fanfold:cursor:' .. name_of(build.generation)) -- nobody folds it any more
    build.state, build.phase, build.at = 'ending', 'sweep', '0'
    save(build)
    for _, partition in ipairs(build.partitions) do
        redis.call('HDEL', cursor, partition .. '/hold')
    end
    return {'ok', 'more'}
end

function ACTION.stop_kept()
    local found = redis.call('HGET', kept, view)
    if not found then
        return {'ok', 'none'}
    end
    if load() then
        return {'no', 'a generation of it is being built: cancel that first, or wait'}
    end
    local build = cjson.decode(found)
    build.state, build.phase, build.at, build.tries, build.digest = 'ending', 'sweep', '0', 1, ''
    save(build)
    redis.call('HDEL', kept, view)
    return {'ok', 'more'}
end

function ACTION.step()
    local build = load()
    if not build or build.state == 'building' then
        return {'ok', 'done'}
    end
    return step(build)
end

----------------------------------------------------------------------------------- adopt, and move

-- What stands with a partition in the cursor, the position aside.
local ASIDE = {'', '/time', '/tally', '/reordered', '/begins', '/record', '/moved', '/hold'}

local function fields_of(partitions, name)
    local found = {}
    for i, partition in ipairs(partitions) do
        found[i] = redis.call('HGET', cursor, partition .. name) or ''
    end
    return found
end

-- Two tallies, "folded=12 ignored=0 …", as one.
local function sum(a, b)
    if a == '' or b == '' then
        return a .. b
    end
    local counts = {}
    for name, count in b:gmatch('(%a+)=(%d+)') do
        counts[name] = tonumber(count)
    end
    return (a:gsub('(%a+)=(%d+)', function(name, count)
        return name .. '=' .. text(tonumber(count) + (counts[name] or 0))
    end))
end

local function bounds(next)
    return math.min(unpack(next)), math.max(unpack(next))
end

-- The first offset of each partition that was not folded.
local function next_of(partitions)
    local next, begins = {}, fields_of(partitions, '/begins')
    for i, position in ipairs(fields_of(partitions, '')) do
        local offset = offset_of(position)
        next[i] = math.max(offset and tonumber(offset) + 1 or 0, tonumber(begins[i]) or 0)
    end
    return next
end

local function set_text(next)
    local words = {text(#next)}
    for i, offset in ipairs(next) do
        words[i + 1] = text(offset)
    end
    return table.concat(words, ' ')
end

-- Those of the text (moved.h), the oldest first.
local function sets_of(moved)
    local sets = {}
    for set in moved:gmatch('[^;]+') do
        local next = {}
        for word in set:match('^%d+ (.*)$'):gmatch('%d+') do
            next[#next + 1] = tonumber(word)
        end
        sets[#sets + 1] = next
    end
    return sets
end

-- How far the log was folded, by these partitions and by those before them (moved.h); or nil and why not. As
-- many partitions twice are one set, so there are no more than there were different numbers.
local function moved_of(log)
    local next, earlier, kept_sets = next_of(log.from), {}, ''
    for _, set in ipairs(sets_of(fields_of(log.from, '/moved')[1])) do
        if #set == #next then
            for i, offset in ipairs(set) do
                next[i] = math.max(next[i], offset)
            end
        else
            earlier[#earlier + 1] = set
        end
    end
    local low = bounds(next)
    for _, set in ipairs(earlier) do
        local _, high = bounds(set)
        if high > low then
            if not log.same_key and #set > 1 then
                return nil, 'not all partitions have come as far as the former ones were folded; try again later'
            end
            kept_sets = kept_sets .. set_text(set) .. ';'
        end
    end
    return kept_sets .. set_text(next)
end

local function parked_in(partition)
    local count = redis.call('HLEN', 'fanfold:parked:' .. view .. ':' .. partition)
    return count > 0 and text(count) .. (count == 1 and ' event is' or ' events are') .. ' parked on ' .. partition .. ': `fanfold parked retry ' ..
        view .. '` or `fanfold parked drop ' .. view .. '` them first'
end

-- May the log be folded by other partitions from here on? Else why not.
local function may_move(log)
    if not log.same_key and #log.from > 1 then
        return 'the events of ' .. log.from[1] .. ' … are divided by another key; go over to "partitions": 1 first'
    end
    for _, partition in ipairs(log.from) do
        local parked = parked_in(partition)
        if parked then
            return parked
        end
    end
    local moved, why = moved_of(log)
    return why, moved
end

-- Counts and times go on where they were: in the first of the new partitions, or in each.
local function carry_over(log, moved, fields)
    local function put(field, value)
        if value ~= '' then
            fields[#fields + 1], fields[#fields + 2] = field, value
        end
    end
    local tally, reordered, time, begins = '', 0, '', nil
    for i, count in ipairs(fields_of(log.from, '/reordered')) do
        reordered = reordered + (tonumber(count) or 0)
        tally = sum(tally, fields_of(log.from, '/tally')[i])
        local first = tonumber(fields_of(log.from, '/begins')[i]) or 0
        begins = math.min(begins or first, first) -- the others' stands in `moved`
        local at = fields_of(log.from, '/time')[i]
        time = at > time and at or time
    end
    for i, partition in ipairs(log.to) do
        put(partition .. '/moved', moved)
        put(partition .. '/time', time)
        put(partition .. '/begins', begins > 0 and text(begins) or '')
        put(partition .. '/tally', i == 1 and tally or '')
        put(partition .. '/reordered', i == 1 and reordered > 0 and text(reordered) or '')
    end
end

-- Dropped events are those of the log, whatever its partitions.
local function carry_dropped(log)
    local function key(partition)
        return 'fanfold:dropped:' .. view .. ':' .. partition
    end
    local all = {}
    for _, partition in ipairs(log.from) do
        for _, word in ipairs(redis.call('HGETALL', key(partition))) do
            all[#all + 1] = word
        end
        redis.call('UNLINK', key(partition))
    end
    for _, partition in ipairs(log.to) do
        for i = 1, #all, 2 do
            redis.call('HSET', key(partition), all[i], all[i + 1])
        end
    end
end

local function is_torn(partitions)
    for _, torn in ipairs(fields_of(partitions, '/torn')) do
        if torn ~= '' then
            return 'a commit of it was torn: ' .. torn
        end
    end
end

-- By what the log is divided is another now: may it be, where it does not move?
local function may_stay(log)
    if log.same_key then
        return nil
    end
    local _, why = moved_of(log)
    return why
end

-- 3 the epoch in force   4 definition   5 digest
-- 6 the logs, JSON: [{"from": [partition, …], "to": the same or others, "same_key": both divide alike}, …]
-- A move raises the generation: the view may come back to partitions where it has no position any more, and a
-- batch that was folded before, for no position, must not find its epoch there again.
function ACTION.adopt()
    if load() then
        return {'no', 'a generation of it is being built: wait for that, or cancel it (`fanfold rebuild ' ..
            view .. ' --cancel`)'}
    end
    local standing = redis.call('HGET', cursor, 'epoch') or ''
    if standing ~= ARGV[3] then
        return {'no', 'another definition came into force meanwhile (epoch ' .. standing .. '); look again'}
    end
    local logs, generation, staying, moving = cjson.decode(ARGV[6]), standing:match('^%d+'), {}, {}
    local fields = {'definition', ARGV[4]}
    for _, log in ipairs(logs) do
        local why, moved = is_torn(log.from), nil
        local moves = log.from[1] ~= log.to[1]
        if not why and moves then
            why, moved = may_move(log)
        elseif not why then
            why = may_stay(log)
        end
        if why then
            return {'no', why}
        end
        local list = moves and moving or staying
        list[#list + 1] = log
        if moves then
            carry_over(log, moved, fields)
            generation = next_generation()
        end
    end
    local epoch = generation .. '.' .. ARGV[5]
    fields[#fields + 1], fields[#fields + 2] = 'epoch', epoch
    for _, log in ipairs(staying) do
        for i, position in ipairs(fields_of(log.from, '')) do
            if position ~= '' then
                fields[#fields + 1], fields[#fields + 2] = log.from[i], epoch .. position:match('^%S+(.*)$')
            end
        end
    end
    redis.call('HSET', cursor, unpack(fields)) -- the first write: refused, it changes nothing
    for _, log in ipairs(moving) do
        redis.call('HSET', generations, view, generation)
        for _, partition in ipairs(log.from) do
            for _, name in ipairs(ASIDE) do
                redis.call('HDEL', cursor, partition .. name)
            end
        end
        carry_dropped(log)
    end
    return {'ok'}
end

return ACTION[action]()
