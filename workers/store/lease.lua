-- lease.lua: who runs which task (include/fanfold/pool.h). One script, so that a tick sees and changes
-- everything at once; Redis' clock only.
--
-- KEYS  1 fanfold:workers   2 fanfold:leases   3 fanfold:rebuilds
--       tick: 4… each task's fanfold:cursor:<view>
-- ARGV  1 "tick", "release" or "leave"   2 the worker
--   tick     3 the lease's length, ms   4 the entry's JSON behind "until" and "takes"
--            5… for each task: view, partition, epoch, held, wanted ("1" or "0")
--            answers for each task: enum pool_answer, owner or stored epoch or "", 1 to give it up;
--            then for each generation that is being built: the view, and what fanfold:rebuilds has
--   release  3 view   4 partition
--
-- Why nobody starves, and nothing goes round in circles: a free task falls to whoever holds least among
-- the live workers that would take it, so one of them always may; a held one moves only towards a worker
-- with at least two fewer, which makes the sum of the squares of the shares smaller each time. Every
-- worker works out the same moves from the same leases, so two that have too many do not both give all
-- that the third lacks.

local WORKERS, LEASES = KEYS[1], KEYS[2]
local me = ARGV[2]
local HELD, OTHER, FREE, EPOCH, LOST = 0, 1, 2, 3, 4 -- enum pool_answer
local MOVES_MAX = 64 -- planned in one tick, to bound its time; the rest follows in later ticks

local function now_ms()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function ms_text(ms)
    return string.format('%.0f', ms)
end

local function set_of(list)
    local set = {}
    for _, name in ipairs(list) do
        set[name] = true
    end
    return set
end

-- Calls each(field, value) for every field of a hash; what it refuses (false) is removed.
local function sift(key, each)
    local all = redis.call('HGETALL', key)
    for i = 1, #all, 2 do
        if not each(all[i], all[i + 1]) then
            redis.call('HDEL', key, all[i])
        end
    end
end

-- A worker's entry, or nothing when it is not one, has run out, or ends later than any tick can have
-- written it: then the clock has gone back (a fail-over), and the worker, if it lives, writes it again.
local function read_worker(text, now, length)
    local ok, entry = pcall(cjson.decode, text)
    if not ok or type(entry) ~= 'table' or type(entry['until']) ~= 'number' or
        type(entry.views) ~= 'table' or entry['until'] < now or
        entry['until'] > now + 2 * length then
        return nil
    end
    local takes = type(entry.takes) == 'table' and set_of(entry.takes) or nil
    return {views = set_of(entry.views), takes = takes, count = 0}
end

-- The live workers but this one, by name. The others' entries go.
local function read_workers(now, length)
    local workers = {}
    sift(WORKERS, function(name, text)
        if name ~= me then
            workers[name] = read_worker(text, now, length)
        end
        return name == me or workers[name] ~= nil
    end)
    return workers
end

-- Owners by task. Leases that have run out go, unless they are ours: nobody took them, so they hold.
-- Where the clock has gone back a lease is cut to its full length from now, not kept for hours.
local function read_leases(now, length)
    local owners = {}
    sift(LEASES, function(task, text)
        local ends, owner = text:match('^(%d+) (.+)$')
        if owner and (owner == me or tonumber(ends) >= now) then
            owners[task] = owner
            if tonumber(ends) > now + 2 * length then
                redis.call('HSET', LEASES, task, ms_text(now + length) .. ' ' .. owner)
            end
        end
        return owners[task] ~= nil
    end)
    return owners
end

local function read_tasks()
    local tasks = {}
    for i = 5, #ARGV, 5 do
        local view, partition = ARGV[i], ARGV[i + 1]
        local cursor = KEYS[4 + #tasks]
        local stored = redis.pcall('HMGET', cursor, 'epoch', partition)
        local epoch = '' -- no hash: the commit finds that out, and stops that view alone
        if not stored.err then
            epoch = stored[1] or (stored[2] or ''):match('^[^ ]*')
        end
        tasks[#tasks + 1] = {
            name = view .. ' ' .. partition,
            held = ARGV[i + 3] == '1',
            wanted = ARGV[i + 4] == '1',
            foreign = epoch ~= '' and epoch ~= ARGV[i + 2] and epoch or nil,
            text = '',
        }
    end
    return tasks
end

-- Would the worker take the task? An entry without "takes" is judged by its views.
local function would_take(worker, task)
    if worker.takes then
        return worker.takes[task]
    end
    return worker.views['*'] or worker.views[task:match('^[^ ]*')]
end

-- Of those that would take the task, who holds least: the first in the order of names.
local function poorest(workers, names, task)
    local best
    for _, name in ipairs(names) do
        if (not best or workers[name].count < workers[best].count) and
            would_take(workers[name], task) then
            best = name
        end
    end
    return best
end

local function lend(task, lease)
    redis.call('HSET', LEASES, task, lease .. ' ' .. me)
end

-- Steps 2 and 3: renews what is ours and answers all that needs no comparison of shares.
local function answer(task, owners, lease)
    local owner = owners[task.name]
    if task.held and not (task.foreign and owner == me) then
        task.answer = owner == me and HELD or LOST
        if owner == me then
            lend(task.name, lease)
        end
        return
    end
    -- Another definition came into force under it; or an answer never arrived, or it is of this worker's
    -- life before, and does not run.
    if owner == me then
        redis.call('HDEL', LEASES, task.name)
        owners[task.name] = nil
    end
    if task.foreign then
        task.answer, task.text = EPOCH, task.foreign
    elseif owners[task.name] then
        task.answer, task.text = OTHER, owner
    else
        task.answer = FREE
    end
end

-- Step 4: deals out the free tasks, one after the other to whoever would then hold least; this worker
-- takes what falls to it, and leaves the rest to the others. Ties fall to this worker: it is here.
local function deal(tasks, workers, names, owners, lease)
    for _, task in ipairs(tasks) do
        if task.answer == FREE and task.wanted then
            local name = poorest(workers, names, task.name)
            workers[name].count = workers[name].count + 1
            if name == me then
                task.answer = HELD
                owners[task.name] = me
                lend(task.name, lease)
            end
        end
    end
end

-- What this worker drains already is as good as free: it counts for whoever will take it.
local function hand_over(tasks, workers, names, owners)
    for _, task in ipairs(tasks) do
        if task.answer == HELD and not task.wanted then
            owners[task.name] = nil
            workers[me].count = workers[me].count - 1
            local name = poorest(workers, names, task.name)
            if name then
                workers[name].count = workers[name].count + 1
            end
        end
    end
end

-- The move from a richer to a poorer worker with the widest gap of at least two, or nothing.
local function best_move(leases, workers, names, owners)
    local least = math.huge
    for _, name in ipairs(names) do
        least = math.min(least, workers[name].count)
    end
    local task, to, gap = nil, nil, 1
    for _, name in ipairs(leases) do
        local owner = workers[owners[name]]
        if owner.count - least > gap then
            local candidate = poorest(workers, names, name)
            if candidate and owner.count - workers[candidate].count > gap then
                task, to, gap = name, candidate, owner.count - workers[candidate].count
            end
        end
    end
    return task, to
end

-- Step 5: plans how the live workers' leases should move; owners says afterwards where to.
local function plan(workers, names, owners)
    local leases = {}
    for task, owner in pairs(owners) do
        if workers[owner] then
            leases[#leases + 1] = task
        end
    end
    table.sort(leases)
    for _ = 1, MOVES_MAX do
        local task, to = best_move(leases, workers, names, owners)
        if not task then
            return
        end
        local from = workers[owners[task]]
        from.count = from.count - 1
        workers[to].count = workers[to].count + 1
        owners[task] = to
    end
end

-- This worker among the others, with what it would take.
local function join(tasks, workers)
    local takes = {}
    for _, task in ipairs(tasks) do
        if task.wanted and (task.answer == HELD or not task.foreign) then
            takes[#takes + 1] = task.name
        end
    end
    workers[me] = {takes = set_of(takes), count = 0}
    return #takes > 0 and cjson.encode(takes) or '[]'
end

-- By name, but `first` first.
local function in_order(workers, first)
    local names = {}
    for name in pairs(workers) do
        names[#names + 1] = name
    end
    table.sort(names, function(a, b)
        if (a == first) ~= (b == first) then
            return a == first
        end
        return a < b
    end)
    return names
end

local function report(tasks, owners)
    local answers = {}
    for _, task in ipairs(tasks) do
        local ours = task.answer == HELD and task.wanted
        answers[#answers + 1] = task.answer
        answers[#answers + 1] = task.text
        answers[#answers + 1] = ours and owners[task.name] ~= me and 1 or 0
    end
    return answers
end

local function tick()
    local now, length = now_ms(), tonumber(ARGV[3])
    local lease = ms_text(now + length) -- ours, as renewed by this tick
    local workers, owners = read_workers(now, length), read_leases(now, length)
    local tasks = read_tasks()
    for _, task in ipairs(tasks) do
        answer(task, owners, lease)
    end
    local takes = join(tasks, workers)
    redis.call('HSET', WORKERS, me, '{"until":' .. lease .. ',"takes":' .. takes .. ARGV[4])

    for _, owner in pairs(owners) do
        if workers[owner] then
            workers[owner].count = workers[owner].count + 1
        end
    end
    deal(tasks, workers, in_order(workers, me), owners, lease)
    local names = in_order(workers)
    hand_over(tasks, workers, names, owners)
    plan(workers, names, owners)
    local answers = report(tasks, owners)
    for _, text in ipairs(redis.call('HGETALL', KEYS[3])) do
        answers[#answers + 1] = text
    end
    return answers
end

local function release(task)
    local owner = (redis.call('HGET', LEASES, task) or ''):match('^%d+ (.+)$')
    return owner == me and redis.call('HDEL', LEASES, task) or 0
end

local function leave()
    sift(LEASES, function(_, text)
        return text:match('^%d+ (.+)$') ~= me
    end)
    return redis.call('HDEL', WORKERS, me)
end

if ARGV[1] == 'tick' then
    return tick()
elseif ARGV[1] == 'release' then
    return release(ARGV[3] .. ' ' .. ARGV[4])
end
return leave()
