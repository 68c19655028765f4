-- commit_newest.lua: step (2) of the commit rule (commit.lua) for rows whose changes go by the time of
-- their events ("newest"; the semantics stand in change.h). The build puts it between commit_rows.lua and
-- commit_steps.lua.
--
-- Of all changes of a place under a stamp only the newest counts, whatever came before; so this picks it
-- for each place, among those of the batch and the stamp that is stored, and hands what counts to the
-- row's function in commit_rows.lua. A DELETE is a change of the row itself; where it counts, it becomes
-- removals of the places that have no later stamp. (It reads the whole row for that.)
--
-- Stamps are kept in one hash for each view, which stands behind the rows in KEYS.

local STAMPED = 8 -- added to a row's structure on the wire when stamps are among its changes

local stamps_key = KEYS[#KEYS]
local stamps, stale = {}, {} -- what is written to it: names and stamps; names of those that go
local odd_stamp -- why what stands in that hash is foreign

local GOES_BY_STAMP = {
    [HASH_SET] = true, [HASH_REMOVE] = true, [ZSET_SCORE] = true, [ZSET_REMOVE] = true,
    [SET_INCLUDE] = true, [SET_EXCLUDE] = true, [JSON_PUT] = true, [DELETE] = true,
}

-- By enum structure: how the places of a row are read (how many elements of the answer each takes), and
-- how one is removed. A document is one place, ''.
local PLACES = {
    [0] = {structure = 'hash', read = {'HGETALL'}, step = 2, remove = HASH_REMOVE},
    [2] = {structure = 'zset', read = {'ZREVRANGE', '0', '-1'}, step = 1, remove = ZSET_REMOVE},
    [3] = {structure = 'set', read = {'SMEMBERS'}, step = 1, remove = SET_EXCLUDE},
    [6] = {structure = 'json', remove = DELETE},
}
local ROW_ITSELF = false -- the place that a DELETE writes

-- The name under which a place's stamp stands: "<bytes of the key>:<key>:<place>", for the row itself
-- without the last colon. The key is the row's as the view gives it: the prefix of a generation
-- (generation.h) is cut off, so that a switch need not touch the stamps.
local function row_name(key)
    key = key:gsub('^fanfold:g:%d+:', '')
    return #key .. ':' .. key
end

local function place_name(row, place)
    return place == ROW_ITSELF and row or row .. ':' .. place
end

-- nil: the text is no stamp.
local function stamp_of(text)
    local time, offset, partition = match(text, '^(%-?%d+) (%d+) (.*)$')
    return time and {text = text, time = tonumber(time), offset = offset, partition = partition}
end

local function older(a, b)
    if a.time ~= b.time then
        return a.time < b.time
    elseif a.partition ~= b.partition then
        return bytes_less(a.partition, b.partition)
    end
    return not at_least(a.offset, b.offset)
end

local function place_of(w, i)
    if w[i] == DELETE then
        return ROW_ITSELF
    end
    return w[i + 1] == 0 and '' or w[i + 1]
end

-- The places whose stamps count here, each once: those that the changes write, the row itself, and, when
-- it is to be deleted, all that it has (each is a key of `has`, too). nil: a fault was recorded.
local function places_of(w, from, to, index, key, kind)
    local places, seen, has = {ROW_ITSELF}, {[ROW_ITSELF] = true}, {}
    local deletes = false
    for i = from, to, 3 do
        local place = place_of(w, i)
        deletes = deletes or place == ROW_ITSELF
        if GOES_BY_STAMP[w[i]] and not seen[place] then
            seen[place] = true
            places[#places + 1] = place
        end
    end
    local members = {''}
    if deletes and kind.read then
        members = try(kind.read[1], key, unpack(kind.read, 2))
        if bad(members, index, key, kind.structure) then
            return nil
        end
    end
    for i = 1, deletes and #members or 0, kind.step or 1 do
        local place = members[i]
        has[place] = true
        if not seen[place] then
            places[#places + 1] = place
        end
    end
    return places, has
end

-- The stored stamps of the places: place → {stamp, at = 0}; and the names of all: place → name. nil: it
-- is said in odd_stamp or unreadable.
local function read_stamps(key, places)
    local best, name_of, row = {}, {}, row_name(key)
    for first = 1, #places, ARGS_MAX do
        local last = first + ARGS_MAX - 1
        last = last < #places and last or #places
        local names = {}
        for i = first, last do
            local name = place_name(row, places[i])
            names[i - first + 1], name_of[places[i]] = name, name
        end
        local reply = try('HMGET', stamps_key, unpack(names))
        if reply.err then
            if find(reply.err, 'WRONGTYPE', 1, true) then
                odd_stamp = stamps_key .. ' is not a hash but ' .. call('TYPE', stamps_key).ok
            else
                unreadable = unreadable or (stamps_key .. ': ' .. reply.err)
            end
            return nil
        end
        for i = 1, #names do
            local text = reply[i]
            local stamp = text and stamp_of(text)
            if text and not stamp then
                odd_stamp = 'field ' .. names[i] .. ' of ' .. stamps_key .. ' is no stamp but ' .. text
                return nil
            end
            best[places[first + i - 1]] = stamp and {stamp = stamp, at = 0}
        end
    end
    return best, name_of
end

local function keep(kept, at, op, field, value)
    local n, from = #kept, kept.from
    kept[n + 1], kept[n + 2], kept[n + 3] = op, field, value
    from[#from + 1] = at
end

-- Goes through the changes: best[place] becomes the newest stamp of the place, and where its change is;
-- what does not go by stamps is kept as it is.
local function choose(w, from, to, best, kept)
    local stamp
    for i = from, to, 3 do
        local op = w[i]
        if op == STAMP then
            stamp = stamp_of(w[i + 2])
        elseif stamp and GOES_BY_STAMP[op] then
            local place = place_of(w, i)
            if not best[place] or not older(stamp, best[place].stamp) then
                best[place] = {stamp = stamp, at = i}
            end
        else
            keep(kept, i, op, w[i + 1], w[i + 2])
        end
    end
end

-- Is what stands best for a place gone by the row's deletion `cut`? Of equal stamps, which are of one
-- event, the later change counts.
local function is_cut(best, cut)
    if not cut then
        return false
    end
    return not best or older(best.stamp, cut.stamp) or
        (best.at < cut.at and not older(cut.stamp, best.stamp))
end

-- What each place comes to.
local function settle(w, name_of, places, has, best, remove, kept)
    local cut = best[ROW_ITSELF]
    for i = 1, #places do
        local place = places[i]
        local mine = best[place]
        local new = mine and mine.at > 0
        if place ~= ROW_ITSELF and is_cut(mine, cut) then
            if cut.at > 0 and has[place] then
                keep(kept, cut.at, remove, place, 0)
            end
            if cut.at > 0 and mine then
                stale[#stale + 1] = name_of[place]
            end
        elseif new then
            if place ~= ROW_ITSELF then
                keep(kept, mine.at, w[mine.at], w[mine.at + 1], w[mine.at + 2])
            end
            stamps[#stamps + 1], stamps[#stamps + 2] = name_of[place], mine.stamp.text
        end
    end
end

-- As the functions in ROW. A fault of theirs is put at the place on the wire of the change that it is of.
local function stamped_row(w, from, to, index, key, structure)
    local kind = PLACES[structure]
    if not kind then -- a row without stamps, and under its key a change of another one with them
        return ROW[structure](w, from, to, index, key)
    end
    local kept = {from = {}} -- changes, and from where in w each came
    local places, has = places_of(w, from, to, index, key, kind)
    if not places then
        return
    end
    local best, name_of = read_stamps(key, places)
    if not best then
        return
    end
    choose(w, from, to, best, kept)
    settle(w, name_of, places, has, best, kind.remove, kept)
    local before = #faults
    ROW[structure](kept, 1, #kept, 0, key)
    if #faults > before then
        local at = kept.from[faults[before + 1] + 1] or from
        faults[before + 1] = index + (at - from) / 3
    end
end

local function write_stamps()
    write('HSET', stamps_key, stamps)
    write('HDEL', stamps_key, stale)
end
