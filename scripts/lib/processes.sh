# Background processes of a folder, for scripts/servers and scripts/quickstart. Sourced by bash with DIR
# set to the folder, an absolute path.
#
#   launch NAME OUTPUT [NAME=value...] COMMAND...   starts it; its pid stands in DIR/NAME.pid
#   pid_of NAME                                     prints the pid; false when it does not run
#   end NAME SIGNAL                                 ends it, hard when it takes too long
#   end_leftovers                                   ends what else was started from DIR
#
# Each process carries FANFOLD_STARTED_FROM=DIR in its environment: that is how the helpers of a killed
# server are found, also when the folder is gone.

STOP_SECONDS=20

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# When the process began: with the pid it names a process, however often pids are used again.
birth_of() { # PID
    local stat
    { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
    set -- ${stat##*) }
    [[ $1 != Z ]] && echo "${20}"
}

# It gets a session of its own, so it outlives this script and its terminal, and does not hold its lock.
launch() { # NAME OUTPUT [NAME=value...] COMMAND...
    local name=$1 output=$2
    shift 2
    setsid env FANFOLD_STARTED_FROM="$DIR" "$@" </dev/null >"$output" 2>&1 9>&- &
    echo "$! $(birth_of $!)" >"$DIR/$name.pid"
}

pid_of() { # NAME
    local pid birth
    [[ -f $DIR/$1.pid ]] && read -r pid birth <"$DIR/$1.pid" && [[ $(birth_of "$pid") == "$birth" ]] &&
        echo "$pid"
}

gone() { # NAME
    ! pid_of "$1" >/dev/null
}

# Polls a condition until it holds; false after so many seconds.
within() { # SECONDS COMMAND...
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || return 1
        sleep 0.05
    done
}

end() { # NAME SIGNAL
    local pid
    if pid=$(pid_of "$1"); then
        kill -s "$2" "$pid" 2>/dev/null || true
        if ! within $STOP_SECONDS gone "$1"; then
            kill -s KILL "$pid" 2>/dev/null || true
            within 5 gone "$1" || die "process $pid ($1) does not end"
        fi
    fi
    rm -f "$DIR/$1.pid"
}

leftovers() {
    local environ
    for environ in $(grep -lzsxF "FANFOLD_STARTED_FROM=$DIR" /proc/[0-9]*/environ || true); do
        environ=${environ#/proc/}
        birth_of "${environ%/environ}" >/dev/null && echo "${environ%/environ}"
    done
    return 0
}

nothing_left() {
    [[ -z $(leftovers) ]]
}

# Helpers of a server that ended end by themselves a moment later; what does not is killed.
end_leftovers() {
    within 3 nothing_left && return
    kill -s KILL $(leftovers) 2>/dev/null || true
    within 5 nothing_left || die "these processes do not end: $(leftovers | xargs)"
}
