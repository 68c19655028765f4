-- commit.lua: the commit rule, carried out inside Redis in one piece. This is the only place where it
-- stands; ram_commit.c is the same rule in memory, and tests/integration/store_conformance_test.c
-- holds the two against each other.
--
-- A batch folds the events after position `from` up to position `to` into changes. The rule:
--
--   (1) It is committed only if the stored position equals `from` in all its parts (epoch, offset,
--       fingerprint, park revision). If what is stored has the epoch of `to`, an offset at or behind
--       its offset, and the park revision that this batch would leave, it is in already. Anything else
--       is a conflict: another worker, another definition, a parked set that this fold did not know, a
--       Redis that lost its last second. Then nothing changes. Where there is no position yet, `from` is
--       empty, and the view must be one that folds by the same definition, or have none yet: the first
--       position of a view brings its epoch and definition with it. A batch that is good, but comes while
--       a switch or a comparison holds the task, or would pass the view that it is built beside, is told
--       to come later.
--   (2) All that the batch depends on is read, and all results are computed, before anything is
--       written. A change whose result is impossible is refused; a value that this fold cannot have
--       made is foreign data. Then nothing changes.
--   (3) The position is written first. If the server refuses that (out of memory, read-only, disk,
--       permission), nothing has changed. What follows are absolute results of commands whose types
--       were checked in (2), on keys that no one else can touch before the script ends: they cannot
--       fail on data. Redis does not roll back; so nothing here may be able to fail after that write.
--       If one does (a permission taken away at this moment), the answer is `torn`, never silence.
--   (4) Only then is the answer `ok`.
--
-- A crash before (3) leaves the old position and the old rows. Redis runs the script in one piece and
-- logs it as one transaction, so a crash after (3) leaves both new or, when the log is cut, both old.
-- A lost reply is followed by a replay of the same batch (`already`) or of the same events from the
-- stored position (equal to `from` of that batch): harmless either way.
--
-- Results are those of the changes one by one, with two statements about a whole batch (change.h):
-- EXPIRE and the KEEPs hold for the row at its end, and a row loses its expiry when it is deleted or
-- is empty at the end, not when it is empty in between.
--
-- The rows themselves, one function for each structure, are in commit_rows.lua; the steps that this
-- shares with unpark.lua, which folds or drops parked events by the same rule, in commit_steps.lua;
-- what goes by the time of events, in commit_newest.lua.
--
-- KEYS  1 fanfold:cursor:<view>   2 fanfold:parked:<view>:<partition>
--       3 fanfold:parked-payload:<view>:<partition>   4 fanfold:waiting:<view>:<partition>
--       5 the cursor of the view that this is built beside, else the same as 1
--       6… the rows, each once; behind them, when any row has stamps, fanfold:newest:<view>
-- ARGV  1 partition   2 from   3 to   4 time   5 tally   ("" : no position, no time)
--       6 changes, as MessagePack, one flat array; for each row, in the order of KEYS:
--         structure (+ 8 when stamps are among its changes: commit_newest.lua), n, then n times:
--         op * 2 + flags, field, value (in event order)
--       7 parked events, "" or MessagePack, one flat array; for each:
--         offset, record, payload or 0, key or 0
--       8 the definition, where `from` is empty; "": it must be there already
--       9 of a recorded log: where `to` is in the partition; else ""
-- Answer: ok | already | frozen, the offset up to which one may commit or nothing | conflict, stored | failed, text | torn, text
--         | foreign, text                  one of Fanfold's own keys is of another type
--         | faults, then for each row that has one: index of the change on the wire,
--           1 foreign or 0 refused, text   (the caller reports the one that comes first in the log)

----------------------------------------------------------------------------------- (1) the position

local cursor, partition, from, to = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local leader, definition = KEYS[5], ARGV[8]
local standing, other = stands(cursor, partition)
if not standing then
    return other
end
local stored = standing[1] or ''
local to_epoch, to_offset, _, to_park_revision = parts(to)
if stored ~= from then
    local epoch, offset, _, park_revision = parts(stored)
    if epoch and epoch == to_epoch and park_revision == to_park_revision and
        at_least(offset, to_offset) then
        return {'already'}
    end
    return {'conflict', stored}
end
if from == '' and standing[4] ~= to_epoch and (standing[4] or definition == '') then
    return {'conflict', standing[4] or ''}
end
other = held(standing, to_offset)
if other then
    return other
end
if leader ~= cursor then
    local _, offset = parts(call('HGET', leader, partition) or '')
    if not offset or not at_least(offset, to_offset) then
        return {'frozen', offset}
    end
end

--------------------------------------------------------------------------------- (2) read and compute

compute(cmsgpack.unpack(ARGV[6]), 6)

-- Parked events: how many wait under each key is written as a number, like all else.
local parked = ARGV[7] ~= '' and cmsgpack.unpack(ARGV[7]) or {}
local records, payloads, waiting = {}, {}, {}
local function plan_parked()
    local keys, added = {}, {}
    for i = 1, #parked, 4 do
        local offset, payload, key = parked[i], parked[i + 2], parked[i + 3]
        records[#records + 1], records[#records + 2] = offset, parked[i + 1]
        if payload ~= 0 then
            payloads[#payloads + 1], payloads[#payloads + 2] = offset, payload
        end
        if key ~= 0 then
            if not added[key] then
                keys[#keys + 1] = key
            end
            added[key] = (added[key] or 0) + 1
        end
    end
    local wrong = no_hash(2, 4)
    if wrong then
        return wrong
    end
    for _, key in ipairs(keys) do
        local held = call('HGET', KEYS[4], key) or '0'
        local count = int_of(held)
        if not count then
            return 'field ' .. key .. ' of ' .. KEYS[4] .. ' is not an integer but ' .. held
        end
        waiting[#waiting + 1], waiting[#waiting + 2] = key, int_text(count + added[key])
    end
end
if #parked > 0 then
    local wrong = plan_parked()
    if wrong then
        return {'foreign', wrong}
    end
    write('HSET', KEYS[2], records)
    write('HSET', KEYS[3], payloads)
    write('HSET', KEYS[4], waiting)
end

local hindrance = hinders()
if hindrance then
    return hindrance
end

------------------------------------------------------------------------------------ (3) write and (4)

local fields = {partition, to, partition .. '/time', ARGV[4], partition .. '/tally', ARGV[5]}
if ARGV[9] ~= '' then
    fields[7], fields[8] = partition .. '/record', ARGV[9]
end
if from == '' and not standing[4] then
    local n = #fields
    fields[n + 1], fields[n + 2], fields[n + 3], fields[n + 4] = 'epoch', to_epoch, 'definition', definition
end
return carry_out(cursor, partition, fields)
