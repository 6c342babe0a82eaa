#!/usr/bin/env bash
# Copy what the collectors read of this host into a directory that can stand in for the host in tests.
set -uo pipefail

usage() {
    cat <<'END'
usage: tools/capture_fixture.sh [OPTION...] DIRECTORY

  --processes N     also stat, status, io, schedstat and cgroup of the first N processes
  --command-lines   and what they were called with, which may hold passwords
  --root DIR        capture the host below DIR instead, as in another capture
  --file-bytes N    at most so much of each file (262144)
  --files N         at most so many files (5000)

Never copied: environments, addresses, serial numbers, names of the host and of network shares. Look through
the result all the same before you hand it on: mount points, cgroups and disks have names.
END
}

processes=0 command_lines=no root="" file_bytes=262144 files_most=5000 out=""
while [ $# -gt 0 ]; do
    case "$1" in
    --processes) processes="${2-}" && shift ;;
    --command-lines) command_lines=yes ;;
    --root) root="${2-}" && shift ;;
    --file-bytes) file_bytes="${2-}" && shift ;;
    --files) files_most="${2-}" && shift ;;
    -h | --help) usage && exit 0 ;;
    -*) usage >&2 && exit 2 ;;
    *) [ -z "$out" ] || { usage >&2 && exit 2; } && out="$1" ;;
    esac
    shift
done
case "$processes$file_bytes$files_most" in *[!0-9]* | "") usage >&2 && exit 2 ;; esac
[ -n "$out" ] || { usage >&2 && exit 2; }
if [ -e "$out" ] && [ -n "$(ls -A "$out" 2>/dev/null)" ]; then
    echo "capture_fixture.sh: $out is not empty" >&2
    exit 1
fi
mkdir -p "$out" || exit 1
root=${root%/}
if [ -n "$root" ]; then
    root=$(cd "$root" && pwd -P) || exit 1
fi
out=$(cd "$out" && pwd -P)
files=0 left_out=0

# take PATH [FILTER...]: a file of the host, under the same path, through a filter. What cannot be read is not there.
take() {
    local path="$1"
    shift
    [ -f "$root$path" ] && [ -r "$root$path" ] || return 0
    if [ "$files" -ge "$files_most" ]; then
        left_out=$((left_out + 1))
        return 0
    fi
    mkdir -p "$out${path%/*}"
    # Some files can be opened and not read. One that hangs is not waited for.
    if [ $# -gt 0 ]; then
        timeout 5 head -c "$file_bytes" "$root$path" 2>/dev/null | "$@" | head -c "$file_bytes" >"$out$path"
    elif ! timeout 5 head -c "$file_bytes" "$root$path" >"$out$path" 2>/dev/null; then
        rm -f "$out$path"
        return 0
    fi
    files=$((files + 1))
}

# take_linked DIRECTORY ENTRY FILE...: files of an entry that may be a link, which is kept; DIRECTORY is a
# real path. ENTRY/device is followed by one step.
take_linked() {
    local directory="$1" entry="$2" real file
    shift 2
    mkdir -p "$out$directory"
    if [ -L "$root$directory/$entry" ]; then
        ln -sfn "$(readlink "$root$directory/$entry")" "$out$directory/$entry"
    fi
    real=$(readlink -f "$root$directory/$entry") || return 0
    real=${real#"$root"}
    mkdir -p "$out$real"
    if [ -L "$root$real/device" ]; then
        ln -sfn "$(readlink "$root$real/device")" "$out$real/device"
    fi
    for file in "$@"; do
        case "$file" in
        device/*)
            [ -e "$root$real/$file" ] || continue
            take "$(f=$(readlink -f "$root$real/device") && echo "${f#"$root"}")/${file#device/}"
            ;;
        *) take "$real/$file" ;;
        esac
    done
}

names_in() { # DIRECTORY PATTERN: names of entries, without "*" where there are none
    local path
    for path in "$root$1"/$2; do
        [ -e "$path" ] && echo "${path##*/}"
    done
}

# Sources that are no devices name hosts and users, and options of file systems hold more of them.
clean_mountinfo() {
    awk '{
        for (i = 1; i <= NF && $i != "-"; i++) printf "%s ", $i
        source = $(i + 2)
        if (source !~ /^\/dev\// && source != $(i + 1)) source = "source"
        split($(i + 3), options, ",")
        print "-", $(i + 1), source, options[1]
    }'
}

capture_proc() {
    local name
    for name in stat meminfo vmstat loadavg uptime diskstats net/dev sys/kernel/osrelease \
        sys/kernel/task_delayacct; do
        take "/proc/$name"
    done
    for name in cpu memory io irq; do take "/proc/pressure/$name"; done
    take /proc/self/mountinfo clean_mountinfo
}

capture_processes() {
    local pid name
    [ "$processes" -gt 0 ] || return 0
    for pid in $(names_in /proc '[0-9]*' | sort -n | head -n "$processes"); do
        for name in stat statm status io schedstat cgroup; do take "/proc/$pid/$name"; done
        [ "$command_lines" = no ] || take "/proc/$pid/cmdline"
    done
}

capture_disks() {
    local name
    for name in $(names_in /sys/block '*'); do
        take_linked /sys/block "$name" size diskseq dm/name device/ioerr_cnt
    done
}

capture_network() {
    local name
    for name in $(names_in /sys/class/net '*'); do
        take_linked /sys/class/net "$name" operstate speed
    done
}

inputs_in() { # DIRECTORY: files of hwmon
    names_in "$1" '*_*' | grep -E '_(input|average|label|crit|cap)$'
}

capture_heat_and_power() {
    local name more
    for name in $(names_in /sys/class/thermal 'thermal_zone*'); do
        mapfile -t more < <(names_in "/sys/class/thermal/$name" 'trip_point_*_t[ey][mp]*' | head -n 32)
        take_linked /sys/class/thermal "$name" type temp "${more[@]}"
    done
    for name in $(names_in /sys/class/hwmon '*'); do
        mapfile -t more < <(inputs_in "/sys/class/hwmon/$name"
            inputs_in "/sys/class/hwmon/$name/device" | sed 's|^|device/|')
        take_linked /sys/class/hwmon "$name" name device/power/runtime_status "${more[@]}"
    done
    for name in $(names_in /sys/class/powercap '*:*'); do
        mapfile -t more < <(names_in "/sys/class/powercap/$name" 'constraint_[0-2]_*')
        take_linked /sys/class/powercap "$name" name enabled energy_uj max_energy_range_uj power_uw \
            "${more[@]}"
    done
    for name in $(names_in /sys/class/power_supply '*'); do
        take_linked /sys/class/power_supply "$name" type scope status capacity energy_now energy_full \
            charge_now charge_full power_now current_now voltage_now
    done
}

capture_cpus() {
    local name file
    for name in $(names_in /sys/devices/system/cpu 'cpu[0-9]*'); do
        for file in cpufreq/scaling_cur_freq topology/core_id topology/physical_package_id \
            thermal_throttle/{core,package}_throttle_{count,total_time_ms}; do
            take "/sys/devices/system/cpu/$name/$file"
        done
    done
}

# Groups three levels down, of both versions.
capture_cgroups() {
    local path file
    [ -d "$root/sys/fs/cgroup" ] || return 0
    find "$root/sys/fs/cgroup/" -maxdepth 4 -type d 2>/dev/null | head -n 200 | while read -r path; do
        echo "${path#"$root"}"
    done >"$out/.groups"
    while read -r path; do
        for file in cgroup.controllers cpu.stat cpu.max cpu.pressure memory.pressure io.pressure \
            memory.current memory.stat memory.peak memory.swap.current memory.events memory.max io.stat \
            pids.current pids.max cpuacct.usage cpuacct.stat cpu.cfs_quota_us cpu.cfs_period_us \
            memory.usage_in_bytes memory.max_usage_in_bytes memory.limit_in_bytes \
            memory.memsw.usage_in_bytes memory.kmem.usage_in_bytes memory.oom_control memory.failcnt \
            blkio.throttle.io_service_bytes_recursive blkio.throttle.io_serviced_recursive \
            blkio.throttle.io_service_bytes blkio.throttle.io_serviced; do
            take "${path%/}/$file"
        done
    done <"$out/.groups"
    rm -f "$out/.groups"
}

capture_proc
capture_processes
capture_disks
capture_network
capture_heat_and_power
capture_cpus
capture_cgroups
echo "$files files, $(du -sk "$out" | cut -f1) KiB in $out"
[ "$left_out" = 0 ] || echo "capture_fixture.sh: $left_out more than --files were left out" >&2
