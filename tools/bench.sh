#!/usr/bin/env bash
# Measure procscope's goals on this machine: each figure beside its goal and its peer or limit.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'END'
usage: tools/bench.sh [--build-dir DIR] [PART...]

  record   CPU and memory of procscoped at 100, 1000, 4000, 10000 processes, beside atop and pidstat; where BPF
           is permitted by it, too, at 1000, 10000, 20000 processes
  encode   a tick into tail record and sealed block, and all columns back
  bytes    bytes per process-sample, by part of the file
  tail     bytes and syncs sent to storage per tick
  export   rows per second as CSV, of a day of 1000 processes without and with 24 births a second,
           beside the sqlite3 shell
  query    questions to a day of 1000 processes, in ms, beside the same of a plain SQLite table with an
           index (an hour of it, times 24) and beside atop's replay
  short    CPU time of short-lived processes that is found in the recording
  live     what a viewer (procscope live) adds to the CPU time of procscoped; BENCH_LIVE_SECONDS
           says for how long (160), an hour of it takes an hour

Without PART all of them, in about 25 minutes. Figures are CPU time (user and system, all threads),
medians of several; "us/ps" is microseconds per process-sample, one process at one tick.
Needs Linux; atop and sysstat are installed with apt-get when run as root, else left out.
END
}

build=build
parts=()
while [ $# -gt 0 ]; do
    case "$1" in
    --build-dir) build="${2:?}" && shift ;;
    -h | --help) usage && exit 0 ;;
    record | encode | bytes | tail | export | query | short | live) parts+=("$1") ;;
    *) usage >&2 && exit 2 ;;
    esac
    shift
done
[ ${#parts[@]} -gt 0 ] || parts=(record encode bytes tail export query short live)
[ "$(uname -s)" = Linux ] || { echo "bench: needs Linux" >&2 && exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { echo "bench: $*" >&2; }

have() { command -v "$1" >/dev/null 2>&1; }

# field NAME: its value among the NAME=VALUE words of stdin, one line each
field() { tr ' ' '\n' | sed -n "s/^$1=//p"; }

# pick median|min: of the numbers on stdin
pick() { sort -g | awk -v how="$1" '{ v[NR] = $1 } END { print v[how == "min" ? 1 : int((NR + 1) / 2)] }'; }

calc() { awk "BEGIN { printf \"$1\", ($2) }"; } # FORMAT EXPRESSION

header() { # TITLE
    printf '\n%s\n' "$1"
    printf '  %-46s %10s  %-10s %-4s %-42s %s\n' what measured goal "" beside note
}

# row WHAT MEASURED GOAL BESIDE NOTE: a goal is "<=N", ">=N" or "-"
row() {
    local verdict=""
    case "$3" in
    "<="*) verdict=$(calc "%s" "$2 <= ${3#<=} ? \"met\" : \"OVER\"") ;;
    ">="*) verdict=$(calc "%s" "$2 >= ${3#>=} ? \"met\" : \"LOW\"") ;;
    esac
    printf '  %-46s %10s  %-10s %-4s %-42s %s\n' "$1" "$2" "$3" "$verdict" "$4" "$5"
}

# --- record --------------------------------------------------------------------------------------

install_peers() {
    if have atop && have pidstat; then
        return
    fi
    if [ "$(id -u)" = 0 ] && have apt-get; then
        say "apt-get install atop sysstat"
        { apt-get -y -q --no-install-recommends install atop sysstat ||
            { apt-get -q update && apt-get -y -q --no-install-recommends install atop sysstat; }; } \
            >"$work/apt.log" 2>&1 </dev/null || true
    fi
    have atop || say "SKIPPED beside it: atop (not installed; run as root)"
    have pidstat || say "SKIPPED beside it: pidstat (not installed; run as root)"
}

# cost PROCESSES SECONDS COMMAND...: one line of bench_cost; 3 windows after $warm_up s (5)
cost() {
    local n="$1" seconds="$2"
    shift 2
    rm -f "$work"/recorded*
    # shellcheck disable=SC2086 # no word or one
    "$build/bench_population" ${where-} "$n" "$build/bench_cost" "${warm_up-5}" 3 "$seconds" "$@" 2>"$work/cost.log" ||
        { cat "$work/cost.log" >&2 && say "FAILED: $*"; }
}

micro() { field "$1" | awk '{ printf "%.2f", $1 / 1000 }'; }

bare() { # PROCESSES HOW
    "$build/bench_population" "$1" "$build/bench_read" "$2" 5 2>/dev/null | micro read_ns
}

peer() { # PROCESSES NAME COMMAND...
    local n="$1" name="$2"
    shift 2
    if have "$name"; then
        printf ', %s %s' "$name" "$(cost "$n" 5 "$@" | micro median_ns)"
    fi
}

# recorder_row PROCESSES WHAT GOAL BESIDE ARG...: leaves its memory, MB, after the warm-up in $warm and at most in
# $peak, its cost in $micros and the number of processes in $population
recorder_row() {
    local n="$1" what="$2" goal="$3" beside="$4" line unfiltered=""
    shift 4
    # Every tenth tick reads more than the others: a window holds ten.
    line=$(cost "$n" 10 "$build/procscoped" -i 1s -o "$work/recorded.pscope" "$@")
    if grep -q 'CPU time in clock ticks' "$work/cost.log"; then
        unfiltered="; it found no schedstat, so nothing is filtered"
    fi
    micros=$(micro median_ns <<<"$line")
    population=$(field processes <<<"$line")
    warm=$(field warm_kib <<<"$line" | awk '{ printf "%.1f", $1 / 1024 }')
    row "$n processes, $what" "$micros" "$goal" "$beside" \
        "lowest $(micro min_ns <<<"$line")$unfiltered"
    peak=$(field peak_kib <<<"$line" | awk '{ printf "%.1f", $1 / 1024 }')
}

peers_of() { # PROCESSES
    peer "$1" atop atop -w "$work/recorded.atop" 1
    peer "$1" pidstat sh -c "exec pidstat -u -r -d -h -H -p ALL 1 >$work/recorded.txt"
}

part_record() {
    local n goal peers memory_goal peak=""
    install_peers
    header "record: us/ps, -i 1s, of 100 processes 90 idle, 8 periodic, 2 at work; 5 births/s"
    for n in 100 1000 4000 10000; do
        # Below 1000 what is read once per tick, not per process, weighs too much for a goal.
        goal=- memory_goal=-
        [ "$n" = 100 ] || goal="<=5"
        [ "$n" != 1000 ] || memory_goal="<=16"
        peers=$(peers_of "$n")
        recorder_row "$n" "fds" "$goal" "bare reads $(bare "$n" filtered)$peers" --process-source fds
        row "$n processes, fds: peak memory, MB" "$peak" "$memory_goal" "" ""
        recorder_row "$n" "fds, process collector only" - "" --process-source fds \
            --collectors process
        recorder_row "$n" "proc" - "bare open, read, close $(bare "$n" opened)" \
            --process-source proc
        row "$n processes, bare reads, unfiltered" "$(bare "$n" kept)" - "" \
            "stat, io, schedstat kept open"
    done
    part_record_bpf
}

# BPF sees the host's processes, so that these are not in a namespace: what else runs here counts too.
part_record_bpf() {
    local n source resident goal where=--host warm_up
    local -A tick_us=() # by source, resident and number: what a tick cost
    local -A there=()
    "$build/procscoped" --list-collectors >"$work/collectors"
    if ! grep -q "BPF walk" "$work/collectors"; then
        say "SKIPPED: BPF ($(sed -n '0,/^ *why */s/^ *why *//p' "$work/collectors"))"
        return
    fi
    header "record by BPF: us/ps, the same mix and $(births_per_second) births/s of others on this host"
    for n in 1000 10000 20000; do
        warm_up=$((5 + n / 400)) # at first the names of all are read
        for source in "bpf exact 0.8" "bpf approximate 0.5" "iter exact 1.2"; do
            read -r source resident goal <<<"$source"
            recorder_row "$n" "$source, $resident resident" "<=$goal" "" --process-source "$source" \
                --resident "$resident" --collectors process
            row "$n processes, $source: after start, peak, MB" "$warm" "$(memory_goal "$n" 20)" "" ""
            row "" "$peak" "$(memory_goal "$n" 32)" "" "peak"
            tick_us[$source$resident$n]=$(calc "%.0f" "$micros * $population")
            there[$source$resident$n]=$population
            [ "$n" != 10000 ] || part_of_tick "$source" "$resident" "$goal"
        done
        recorder_row "$n" "bpf, all collectors" - "" --process-source bpf
    done
}

# part_of_tick SOURCE RESIDENT GOAL: by the difference of 1000 and 10000 processes, what one more costs, and what
# a tick costs without any
part_of_tick() {
    local small=$1${2}1000 large=$1${2}10000 each
    each=$(calc "%.3f" "(${tick_us[$large]} - ${tick_us[$small]}) / (${there[$large]} - ${there[$small]})")
    row "one process more, $1, $2 resident" "$each" "<=$3" "" "from 1000 to 10000"
    row "a tick without processes, us" "$(calc "%.0f" "${tick_us[$small]} - $each * ${there[$small]}")" - "" ""
}

memory_goal() { # PROCESSES GOAL-AT-1000
    case "$1" in
    1000) echo "<=$2" ;;
    20000) echo "<=64" ;;
    *) echo - ;;
    esac
}

births_per_second() {
    local before
    before=$(awk '/^processes/ { print $2 }' /proc/stat)
    sleep 2
    awk -v before="$before" '/^processes/ { printf "%d", ($2 - before) / 2 }' /proc/stat
}

# --- encode --------------------------------------------------------------------------------------

goals_host=(--processes 1000 --births 5 --mix goals)
as_recorded=(--commit 900ms --sync 10s)

repeat() { # TIMES COMMAND...
    local i times="$1"
    shift
    for ((i = 0; i < times; i++)); do
        rm -f "$work"/encoded*
        "$@"
    done
}

part_encode() {
    local runs column
    header "encode, decode: ns per process-sample, 1000 processes, 1 h, 5 births/s"
    repeat 5 "$build/bench_encode" "$work/encoded.pscope" "${goals_host[@]}" "${as_recorded[@]}" \
        >"$work/runs"
    for column in all tail seal; do
        runs=$(field ${column}_ns <"$work/runs")
        case $column in
        all) row "encode: tail + commit + seal" "$(pick median <<<"$runs")" "<=130" "" \
            "lowest $(pick min <<<"$runs")" ;;
        tail) row "  tail records and commits" "$(pick median <<<"$runs")" - "" \
            "lowest $(pick min <<<"$runs")" ;;
        seal) row "  blocks, rollups, lifetimes" "$(pick median <<<"$runs")" - "" \
            "lowest $(pick min <<<"$runs")" ;;
        esac
    done
    for _ in 1 2 3 4 5; do "$build/bench_decode" "$work/encoded.pscope"; done >"$work/runs"
    runs=$(field decode_ns <"$work/runs")
    row "decode: all columns, level 0" "$(pick median <<<"$runs")" "<=40" \
        "" "lowest $(pick min <<<"$runs")"
}

# --- bytes ---------------------------------------------------------------------------------------

# recording NAME ARG...: make it; $samples, and $work/sizes: bytes, rows, part
recording() {
    local file="$work/$1.pscope"
    shift
    rm -f "$file"
    samples=$("$build/make_recording" "$file" --processes 1000 "$@" |
        sed -n 's/.* \([0-9]*\) process samples.*/\1/p')
    "$build/bench_decode" --sizes "$file" >"$work/sizes"
    whole=$(stat -c %s "$file")
}

# made_day NAME OPTION...: a day of 1000 processes, made once, as $work/NAME.pscope; sets samples
made_day() {
    local name="$1"
    shift
    [ -e "$work/$name.pscope" ] || "$build/make_recording" "$work/$name.pscope" --processes 1000 \
        --seconds "${BENCH_DAY_SECONDS:-86400}" "$@" >"$work/$name.log" 2>&1
    samples=$(sed -n 's/.* \([0-9]*\) process samples.*/\1/p' "$work/$name.log")
}

per_sample() { calc "%.3f" "$1 / $samples"; } # BYTES

part_bytes_of() { # REGEX
    awk -F'\t' -v part="$1" '$3 ~ part { bytes += $1 } END { print bytes + 0 }' "$work/sizes"
}

bytes_rows() { # WHAT LEVEL-0-GOAL WHOLE-GOAL
    local part
    row "$1: level 0" "$(per_sample "$(part_bytes_of '^process_samples level 0$')")" "$2" "" ""
    for part in "rollups 60 s:process_samples level 60 s" "rollups 3600 s:process_samples level 3600 s" \
        "other tables:^(cpu|memory|recorder)_samples" "lifetimes:^lifetimes" "strings:^strings" \
        "identities:^identities" "block rows, catalog, pages:^(block rows|free|catalog|tail)"; do
        row "  ${part%%:*}" "$(per_sample "$(part_bytes_of "${part#*:}")")" - "" ""
    done
    row "  whole file" "$(per_sample "$whole")" "$3" "atop stores 23, PCP 298, pidstat 184" \
        "$((whole / 1024)) KiB, $samples ps"
}

# The goals are stated for the mix named so: 90 of 100 idle, 8 periodic, 2 busy.
only_goals() { # GOAL
    [ "$mix" = goals ] && echo "$1" || echo -
}

part_bytes() {
    local mix samples whole
    header "bytes per process-sample, 1000 processes, 2 h"
    for mix in goals default; do
        recording b --seconds 7200 --births 0 --mix $mix
        bytes_rows "mix $mix, 0 births/s" - -
        recording b --seconds 7200 --births 5 --mix $mix
        bytes_rows "mix $mix, 5 births/s" "$(only_goals "<=1.3")" "$(only_goals "<=1.5")"
        recording b --seconds 7200 --births 24 --cmdline-bytes 300 --mix $mix
        bytes_rows "mix $mix, 24 births/s, 300-byte lines" - "$(only_goals "<=3.0")"
    done
    recording b --seconds 7200 --births 0 --mix asleep=1
    row "processes that do nothing: level 0" \
        "$(per_sample "$(part_bytes_of '^process_samples level 0$')")" "<=0.05" "" \
        "whole file $(per_sample "$whole")"
    recording b --seconds 7200 --births 0 --mix idle=1
    row "of which a fifth wakes every 1 to 10 min: level 0" \
        "$(per_sample "$(part_bytes_of '^process_samples level 0$')")" - "" \
        "whole file $(per_sample "$whole")"
    recording b --seconds 3599 --births 5 --mix goals --unclean
    row "tail at its largest, killed at 59:59, KiB" "$(($(part_bytes_of '^tail$') / 1024))" - "" ""
}

# --- tail ----------------------------------------------------------------------------------------

part_tail() {
    local mix line
    header "tail: sent to storage per tick, 1400 processes, 20 min, commit each tick, --sync 10s"
    for mix in goals default; do
        rm -f "$work"/tail*
        line=$("$build/bench_tail" "$work/tail.pscope" --processes 1400 --seconds 1200 --births 5 \
            --mix $mix "${as_recorded[@]}")
        row "mix $mix: bytes" "$(field bytes <<<"$line")" "$(only_goals "<=16000")" "" \
            "WAL $(field wal_bytes <<<"$line"), database $(field database_bytes <<<"$line")"
        row "mix $mix: syncs" "$(field syncs <<<"$line")" "$(only_goals "<=0.12")" "" ""
    done
}

# --- export --------------------------------------------------------------------------------------

cpu_seconds() { # COMMAND...: user + system
    local TIMEFORMAT='%U %S'
    { time "$@" >/dev/null 2>"$work/cpu.log"; } 2>"$work/cpu"
    awk '{ print $1 + $2 }' "$work/cpu"
}

rows_per_second() { # ROWS COMMAND...: millions, median of 3
    local n="$1"
    shift
    for _ in 1 2 3; do cpu_seconds "$@"; done | pick median | awk -v n="$n" '{ printf "%.2f", n / $1 / 1e6 }'
}

sqlite_rows() { # ROWS: 24 integer columns as wide as those of process_samples
    local i columns="" values=""
    for ((i = 0; i < 24; i++)); do
        columns="$columns${columns:+,}c$i"
        values="$values${values:+,}(abs(random()) % 1000) << $((i % 6 * 4))"
    done
    sqlite3 "$work/rows.db" "CREATE TABLE t($columns);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
        INSERT INTO t SELECT $values FROM n"
    rows_per_second "$1" sqlite3 -csv "$work/rows.db" "SELECT * FROM t"
}

# export_row WHAT GOAL BESIDE FILE: of $samples rows
export_row() {
    if ! "$build/procscope" export "$4" --table process_samples -o /dev/null 2>"$work/export.log"; then
        say "SKIPPED: export, $1 ($(head -1 "$work/export.log"))"
        return
    fi
    row "$1" "$(rows_per_second "$samples" "$build/procscope" export "$4" --table process_samples \
        -o /dev/null)" "$2" "$3" "$samples rows"
}

part_export() {
    local beside=""
    header "export: million CSV rows per second of one core, 1000 processes every second"
    if [ ! -x "$build/procscope" ]; then
        say "SKIPPED: export ($build/procscope is not built)"
        return
    fi
    have sqlite3 && beside="sqlite3 -csv $(sqlite_rows 1000000)"
    recording x --seconds 3600 --births 5 --mix goals
    export_row "an hour, 5 births/s" ">=8" "$beside" "$work/x.pscope"
    made_day quiet --mix goals
    export_row "a day, mix goals" ">=10" "$beside" "$work/quiet.pscope"
    made_day day
    export_row "a day, mix default" ">=10" "$beside" "$work/day.pscope"
    made_day births --births 24
    export_row "a day, mix default, 24 births/s" ">=8" "$beside" "$work/births.pscope"
}

# --- short ---------------------------------------------------------------------------------------

# The column NAME of the line whose field "comm" is burst.
burst_seconds() {
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $at["comm"] == "burst" { sum += $at["cpu_seconds"] } END { print sum + 0 }'
}

# short_row SOURCE WHAT-IT-IS-CALLED GOAL
short_row() {
    local used found
    "$build/procscoped" --process-source "$1" --list-collectors >"$work/collectors" 2>&1 || true
    if ! grep -q "^ *why .*$2" "$work/collectors"; then
        say "SKIPPED: short, $1 ($(sed -n '0,/^ *why */s/^ *why *//p' "$work/collectors"))"
        return
    fi
    rm -f "$work"/short.pscope*
    used=$("$build/procscoped" --process-source "$1" -o "$work/short.pscope" -- "$build/bench_burst" 2000 5 \
        2>"$work/short.log" | field burst_seconds)
    if ! "$build/procscope" report "$work/short.pscope" --by comm --top 1000000 --format csv \
        >"$work/short.csv" 2>"$work/short.log"; then
        say "SKIPPED: short, $1 ($(head -1 "$work/short.log"))"
        return
    fi
    found=$(burst_seconds <"$work/short.csv")
    row "CPU time in rows named burst, $1, %" "$(calc "%.2f" "100 * $found / $used")" "$3" \
        "atop, pidstat, collectl, PCP: 0.0" "$found s of $used s by wait4"
}

part_short() {
    header "short: 2000 processes of 5 ms"
    if [ ! -x "$build/procscope" ]; then
        say "SKIPPED: short ($build/procscope is not built)"
        return
    fi
    short_row bpf "BPF walk" ">=99.9"
    short_row fds "exits by taskstats" ">=98.5"
}

# --- query ---------------------------------------------------------------------------------------

# plain_table FILE: its last hour as a table with an index by process and time
plain_table() {
    rm -f "$work/plain.db"
    "$build/procscope" export "$1" --table process_samples --last 1h \
        --columns cpu_ns_total,resident_bytes >"$work/hour.csv"
    sqlite3 "$work/plain.db" ".mode csv" ".import $work/hour.csv text" \
        "CREATE TABLE s(time_ns INTEGER, process_id INTEGER, comm TEXT, cpu INTEGER, resident INTEGER);
         INSERT INTO s SELECT time_ns, process_id, comm, cpu_ns_total, resident_bytes FROM text;
         DROP TABLE text; CREATE INDEX i ON s(process_id, time_ns)"
}

# plain_ms SQL FACTOR: CPU time in the plain table, times that
plain_ms() {
    calc "%.0f" "1000 * $2 * $(for _ in 1 2 3; do cpu_seconds sqlite3 "$work/plain.db" "$1"; done | pick median)"
}

# What the same questions cost a plain table, into $plain_top, $plain_window and $plain_column
ask_plain() { # FILE
    plain_table "$1"
    plain_top="SQLite $(plain_ms "SELECT process_id, comm, max(cpu) - min(cpu), max(rate), max(resident) FROM (SELECT *, \
        (cpu - lag(cpu) OVER w) * 1e9 / (time_ns - lag(time_ns) OVER w) AS rate FROM s WINDOW w AS (PARTITION BY \
        process_id ORDER BY time_ns)) GROUP BY process_id ORDER BY 3 DESC LIMIT 20" 24)"
    plain_window="SQLite $(plain_ms "SELECT process_id, comm, max(cpu) - min(cpu), max(resident) FROM s WHERE time_ns > \
        (SELECT max(time_ns) FROM s) - 300000000000 GROUP BY process_id ORDER BY 3 DESC LIMIT 20" 1)"
    plain_column="SQLite $(plain_ms "SELECT time_ns, cpu FROM s WHERE process_id = 1" 24)"
}

# What atop takes to replay an hour of 1000 processes, in ms: 20 s of it, times 180
atop_hour_ms() {
    rm -f "$work/hour.atop"
    "$build/bench_population" 1000 atop -w "$work/hour.atop" 1 20 >/dev/null 2>&1
    calc "%.0f" "1000 * 180 * $(for _ in 1 2 3; do cpu_seconds atop -r "$work/hour.atop" -P PRC; done | pick median)"
}

# CPU time of a whole command, in ms, with the file dropped from the cache
cold_ms() { # COMMAND... FILE
    local file="${*: -1}"
    calc "%.0f" "1000 * $(for _ in 1 2 3; do
        sync "$file"
        dd if="$file" iflag=nocache count=0 status=none
        cpu_seconds "$@"
    done | pick median)"
}

# query_rows NAME TOP WINDOW REPORT COLUMN ALL COLD: the goals, or - each, of $work/NAME.pscope
query_rows() {
    local file="$work/$1.pscope" line
    line=$("$build/bench_query" "$file") || say "FAILED: bench_query"
    row "20 largest of the day, 4 columns" "$(field top_ms <<<"$line")" "$2" "$plain_top" ""
    row "20 largest of 5 minutes, 4 columns" "$(field window_ms <<<"$line")" "$3" "$plain_window" ""
    row "default report of the day" "$(field report_ms <<<"$line")" "$4" "$atop_hour" ""
    row "one process, one column, the day" "$(field process_column_ms <<<"$line")" "$5" "$plain_column" ""
    row "one process, all columns, the day" "$(field process_ms <<<"$line")" "$6" "" ""
    row "the first as a whole command, not in the cache" "$(cold_ms "$build/procscope" report --columns \
        cpu_seconds,cpu_percent_mean,cpu_percent_max,resident_bytes_max --top 20 "$file")" "$7" "" ""
}

part_query() {
    local plain_top="" plain_window="" plain_column="" atop_hour="" samples mix=goals
    install_peers
    header "query: ms of CPU, a day of 1000 processes every second, median of 20 in a process that has it open"
    made_day goals --mix goals --births 5
    ! have sqlite3 || ask_plain "$work/goals.pscope"
    ! have atop || atop_hour="atop, to replay an hour $(atop_hour_ms)"
    row "MB of the recording, mix goals, 5 births/s" "$(calc "%.1f" "$(stat -c %s "$work/goals.pscope") / 1e6")" "<=130" "" "$samples ps"
    query_rows goals "<=5" "<=5" "<=400" "<=10" "<=75" "<=50"
    plain_top="" plain_window="" plain_column="" atop_hour=""
    header "query: the same, mix default (four times as many processes do something)"
    made_day day
    query_rows day - - - - - -
    header "query: the same, mix default, 24 births/s (2 M processes)"
    made_day births --births 24
    query_rows births "<=5" - - - - -
}

# --- live ----------------------------------------------------------------------------------------

part_live() {
    local line n=500
    header "live: CPU of procscoped with a viewer, beside one without, -i 1s, $n processes"
    if ! have python3; then
        say "SKIPPED: live (no python3)"
        return
    fi
    line=$("$build/bench_population" "$n" python3 tools/bench_live.py "$build" \
        "${BENCH_LIVE_SECONDS:-160}" 2>"$work/live.log") ||
        { cat "$work/live.log" >&2 && say "FAILED: live" && return; }
    row "a viewer adds, %" "$(field added_percent <<<"$line")" "<=2" "" \
        "$(field without_us <<<"$line") us a second without, over $(field seconds <<<"$line") s; +- $(field standard_error <<<"$line")"
}

# --- all -----------------------------------------------------------------------------------------

say "build in $build/"
if [ ! -e "$build/CMakeCache.txt" ] && have ninja; then
    cmake -S . -B "$build" -G Ninja >"$work/build.log"
fi
cmake -S . -B "$build" >"$work/build.log"
programs=(procscoped make_recording bench_population bench_cost bench_read bench_encode bench_decode
    bench_tail bench_burst bench_query procscope)
cmake --build "$build" --parallel --target "${programs[@]}" >"$work/build.log" 2>&1 ||
    { cat "$work/build.log" && exit 1; }
cmake --build "$build" --parallel --target procscope >"$work/build.log" 2>&1 ||
    say "procscope itself does not build: what needs it is skipped"

build=$(cd "$build" && pwd)
cache() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }
printf 'machine: %s, %s cores, %s MiB, Linux %s, load %s\n' \
    "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)" "$(nproc)" \
    "$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)" "$(uname -r)" \
    "$(cut -d' ' -f1-3 /proc/loadavg)"
printf 'build:   %s, %s\n' "$(cache CMAKE_BUILD_TYPE)" "$("$(cache CMAKE_C_COMPILER)" --version | head -1)"
printf 'date:    %s, revision %s\n' "$(date -u +%FT%TZ)" "$(git describe --always --dirty 2>/dev/null || echo unknown)"
for part in "${parts[@]}"; do
    "part_$part"
done
