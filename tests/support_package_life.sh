#!/usr/bin/env bash
# Runs as root in a throw-away root, with procscope.deb and newer.deb in /packages: installs, records as the
# unit says, asks, upgrades, removes and purges. What is left then is looked for from outside. Triggers are
# those of other packages, as of the index of manual pages, and take long.
set -euo pipefail
unit=/usr/lib/systemd/system/procscoped.service
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin
unset XDG_STATE_HOME

die() {
    echo "FAILED: $*"
    exit 1
}

quietly() {
    local status=0
    "$@" >/packages/log 2>&1 || status=$?
    [ $status = 0 ] || { cat /packages/log && die "$*: exit status $status"; }
}

setting() { sed -n "s/^$1=//p" "$unit" | tail -n 1; }

# The start of the unit, by hand: its user, directories, capabilities and command line. What it forbids
# besides is tested elsewhere.
start_as_the_unit_would() { # OPTION...
    local command user capabilities run=() directories=()
    user=$(setting User)
    for directory in $(setting StateDirectory); do
        install -d -m 0750 -o "$user" -g "$user" "/var/lib/$directory"
        directories+=("STATE_DIRECTORY=/var/lib/$directory")
    done
    for directory in $(setting RuntimeDirectory); do
        install -d -m 0755 -o "$user" -g "$user" "/run/$directory"
        directories+=("RUNTIME_DIRECTORY=/run/$directory")
    done
    run=(env "${directories[@]}" setpriv "--reuid=$user" "--regid=$user" --init-groups)
    capabilities=$(setting AmbientCapabilities | tr 'A-Z ' 'a-z,' | sed 's/^cap_/+/; s/,cap_/,+/g')
    if [ -n "$capabilities" ] &&
        "${run[@]}" "--inh-caps=$capabilities" "--ambient-caps=$capabilities" true 2>/dev/null; then
        run+=("--inh-caps=$capabilities" "--ambient-caps=$capabilities")
    fi
    command=$(setting ExecStart | sed 's/ \$[A-Z_]*//g') # its options are an administrator's
    read -r -a command <<<"$command"
    "${run[@]}" "${command[@]}" "$@" >/packages/recorder 2>&1 &
    recorder=$!
}

record_for_a_while() {
    local waited=0
    start_as_the_unit_would -i 100ms
    until compgen -G '/var/lib/procscope/*.pscope' >/dev/null; do
        kill -0 $recorder 2>/dev/null && [ $waited -lt 100 ] ||
            die "it does not record: $(cat /packages/recorder)"
        sleep 0.1
        waited=$((waited + 1))
    done
    sleep 1
    if procscope --help | grep -q '^  status '; then
        quietly procscope status
    fi
    kill -TERM $recorder
    wait $recorder || die "the recorder ended with $?: $(cat /packages/recorder)"
}

rm -rf /var/lib/procscope # of this machine's own recorder: not seen here
[ ! -d /run/systemd/system ] || die "systemd runs in here"
! command -v procscope >/dev/null || die "there is a procscope already"

quietly dpkg --no-triggers -i /packages/procscope.deb
id procscope >/dev/null || die "no user procscope"
[ "$(stat -c '%U %a' /var/lib/procscope)" = "procscope 750" ] || die "/var/lib/procscope: $(stat -c "%U %a" /var/lib/procscope)"
record_for_a_while
recording=$(compgen -G '/var/lib/procscope/*.pscope')
[ "$(stat -c '%U %a' "$recording")" = "procscope 640" ] || die "the recording's owner: $(stat -c '%U %a' "$recording")"
quietly procscope info
quietly procscope report --top 3
sum=$(sha256sum "$recording")

quietly dpkg --no-triggers -i /packages/newer.deb
dpkg-query -W -f '${Version}' procscope | grep -q newer || die "not upgraded"
[ "$(sha256sum "$recording")" = "$sum" ] || die "the upgrade changed the recording"
record_for_a_while
quietly procscope verify "$recording"

quietly dpkg --no-triggers -r procscope
[ -e "$recording" ] || die "removing the package removed the recording"
[ ! -e /usr/bin/procscope ] || die "removed, but procscope is there"
quietly dpkg --no-triggers -P procscope
[ ! -e /run/procscope ] || die "purging leaves /run/procscope"
! getent passwd procscope || die "purging leaves the user"
! getent group procscope || die "purging leaves the group"
echo "package: installed, recorded, upgraded, purged"
