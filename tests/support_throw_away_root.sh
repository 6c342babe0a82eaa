#!/usr/bin/env bash
# Run SCRIPT with / as it is, but everything written kept in memory and forgotten; in a mount name space of
# its own. *.deb in WORK are in /packages there. Fails, naming it, when SCRIPT leaves anything changed but
# /packages, logs, caches, and what dpkg and useradd keep for themselves.
#
#   unshare --mount bash support_throw_away_root.sh WORK SCRIPT
set -euo pipefail
work=$1 script=$2
layers=$work/layers

undo() { # where the name space shares its mounts with others, they would stay
    umount -R -l "$layers" 2>/dev/null || true
}
trap undo EXIT

mkdir "$layers"
mount -t tmpfs tmpfs "$layers"
mkdir "$layers/written" "$layers/scratch" "$layers/root"
if ! mount -t overlay overlay -o "lowerdir=/,upperdir=$layers/written,workdir=$layers/scratch" "$layers/root"; then
    echo "SKIP: installing the package: no overlay of / is permitted here"
    exit 0
fi
for place in proc sys dev; do
    mount --rbind "/$place" "$layers/root/$place"
done
mount -t tmpfs tmpfs "$layers/root/run"
mkdir "$layers/root/packages"
cp "$work"/*.deb "$script" "$layers/root/packages"
chroot "$layers/root" bash "/packages/$(basename "$script")" </dev/null

# The upper layer of the overlay has all that was written; a character device there says: removed.
left_behind() {
    find "$layers/written" -mindepth 1 -printf '%y %P\n' | sort -k 2 | while read -r type path; do
        case $path in
        packages | packages/* | var/lib/dpkg/* | var/log/* | var/cache/* | tmp/*) continue ;;
        etc/passwd- | etc/group- | etc/shadow- | etc/gshadow- | etc/subuid- | etc/subgid-) continue ;;
        etc/.pwd.lock) continue ;;
        esac
        [ "$type $path" != "c var/lib/procscope" ] || continue # this machine's own: SCRIPT hid it
        case $type in
        d) [ -d "/$path" ] || echo "directory /$path" ;;
        c) echo "removed /$path" ;;
        *) cmp -s "$layers/written/$path" "/$path" || echo "file /$path" ;;
        esac
    done
}
left=$(left_behind)
if [ -n "$left" ]; then
    printf 'FAILED: left behind or changed:\n%s\n' "$left"
    exit 1
fi
