"""
The service unit without systemd: what it says, and a process under it as far as the kernel allows.

    support_unit.py mounts  UNIT STATE COMMAND...   in a mount namespace of our own, as root
    support_unit.py filters UNIT CALLS COMMAND...   the last thing before COMMAND is executed
"""
import ctypes
import errno
import os
import re
import socket
import sys

MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC = 1, 32, 4096, 16384
PR_SET_MDWE, MDWE_REFUSE_EXEC_GAIN = 65, 1
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
TUNABLES = ("/proc/sys", "/proc/sysrq-trigger", "/proc/bus", "/proc/fs", "/proc/irq")
KERNEL_SECRETS = ("/proc/kallsyms", "/proc/kcore")
libc = ctypes.CDLL(None, use_errno=True)


def read_unit(path):
    """Section [Service]: a list of values for each directive."""
    directives, section = {}, None
    with open(path, encoding="ascii") as file:
        for line in file.read().replace("\\\n", " ").splitlines():
            if line.startswith("["):
                section = line.strip()
            elif section == "[Service]" and re.match(r"\w+=", line):
                name, value = line.split("=", 1)
                directives.setdefault(name, []).append(value.strip())
    return directives


def is_on(unit, name):
    return unit.get(name, ["no"])[-1] == "yes"


# --- mounts --------------------------------------------------------------------------------------

def mount(source, target, kind=None, flags=0, data=None):
    text = [None if word is None else os.fsencode(word) for word in (source, target, kind, data)]
    if libc.mount(text[0], text[1], text[2], flags, text[3]) != 0:
        raise OSError(ctypes.get_errno(), "mount %s on %s" % (source, target))


def mount_points(below):
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        paths = {re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), line.split()[4])
                 for line in file}
    return sorted(path for path in paths if path == below or below == "/" or
                  path.startswith(below + "/"))


def read_only(path):
    mount(None, path, flags=MS_REMOUNT | MS_BIND | MS_RDONLY)


def read_only_tree(path):
    if path not in mount_points(path):
        mount(path, path, flags=MS_BIND | MS_REC)
    for point in mount_points(path):
        read_only(point)


def hide(path, empty):
    if os.path.exists(path):
        mount(empty, path, flags=MS_BIND)


def protect_system(state):
    """ProtectSystem=strict: all but /dev, /proc, /sys and the state directory."""
    mount(state, state, flags=MS_BIND)
    for point in mount_points("/"):
        if point == state or re.match("/(dev|proc|sys)(/|$)", point):
            continue
        try:
            read_only(point)
        except OSError as failure:
            if failure.errno not in (errno.ENOENT, errno.EACCES):  # below another mount: not seen
                raise


def private_devices(work):
    mount("tmpfs", work, "tmpfs")
    for name in DEVICES:
        with open(work + "/" + name, "wb"):
            mount("/dev/" + name, work + "/" + name, flags=MS_BIND)
    mount(work, "/dev", flags=MS_BIND | MS_REC)


def apply_mounts(unit, state):
    empty = state + "/.hidden"
    with open(empty, "wb"):
        os.chmod(empty, 0)
    os.makedirs(state + "/.devices", exist_ok=True)
    if unit["ProtectSystem"] == ["strict"]:
        protect_system(state)
    if is_on(unit, "PrivateDevices"):
        private_devices(state + "/.devices")
    if is_on(unit, "ProtectKernelTunables"):
        for path in filter(os.path.exists, (*TUNABLES, "/sys")):
            read_only_tree(path)
        for path in KERNEL_SECRETS:
            hide(path, empty)
    if is_on(unit, "ProtectKernelLogs"):
        for path in ("/proc/kmsg", "/dev/kmsg"):
            hide(path, empty)
    if is_on(unit, "ProtectControlGroups") and os.path.isdir("/sys/fs/cgroup"):
        read_only_tree("/sys/fs/cgroup")


# --- filters -------------------------------------------------------------------------------------

class Comparison(ctypes.Structure):
    """struct scmp_arg_cmp"""
    _fields_ = [("argument", ctypes.c_uint), ("how", ctypes.c_int), ("a", ctypes.c_uint64),
                ("b", ctypes.c_uint64)]


EQUAL, ALLOW, UNKNOWN = 4, 0x7FFF0000, -1


def load_library():
    """libseccomp, or None."""
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return None
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_rule_add_array.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int,
                                               ctypes.c_uint, ctypes.POINTER(Comparison)]
    library.seccomp_load.argtypes = [ctypes.c_void_p]
    return library


def filter_calls(names, families, refusal):
    """Only these calls; of socket only these families."""
    library = load_library()
    context = library.seccomp_init(ctypes.c_uint32(0x00050000 | refusal))

    def allow(name, *comparisons):
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number == UNKNOWN:
            return
        array = (Comparison * max(1, len(comparisons)))(*comparisons)
        failure = library.seccomp_rule_add_array(context, ALLOW, number, len(comparisons), array)
        if failure != 0:
            raise OSError(-failure, "allow " + name)

    for name in names:
        if name != "socket":
            allow(name)
    for family in families:
        allow("socket", Comparison(0, EQUAL, getattr(socket, family), 0))
    failure = library.seccomp_load(context)
    if failure != 0:
        raise OSError(-failure, "load the filter")


def apply_filters(unit, names):
    if is_on(unit, "MemoryDenyWriteExecute") and \
            libc.prctl(PR_SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) != 0 and \
            ctypes.get_errno() != errno.EINVAL:  # before Linux 6.3
        raise OSError(ctypes.get_errno(), "PR_SET_MDWE")
    if names:
        filter_calls(names, unit["RestrictAddressFamilies"][-1].split(),
                     getattr(errno, unit["SystemCallErrorNumber"][-1]))


def main():
    stage, unit, argument, command = sys.argv[1], read_unit(sys.argv[2]), sys.argv[3], sys.argv[4:]
    if stage == "mounts":
        apply_mounts(unit, argument)
    else:
        apply_filters(unit, argument.split())
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
