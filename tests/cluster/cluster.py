"""What start_slurm.py and stop_slurm.py share: an instance's directory, its ports, and finding and ending its processes.

Linux, standard library only.
"""

import fcntl
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import time

# The environment variable that marks every process of an instance.
MARK = "PSTAR_CLUSTER_DIR"
# The file that says that a directory is an instance's, to be cleared.
STAMP = ".pstar-cluster"


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def require(commands, advice):
    """Exit 77 (the usual 'skip this test') when a command is missing."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/local/sbin:/usr/sbin:/sbin"
    os.environ["PATH"] = path
    missing = [c for c in commands if not shutil.which(c)]
    if missing:
        say("missing:", ", ".join(missing))
        say("install with:", advice)
        sys.exit(77)


def open_dir(path, what):
    """Create or take over DIR; refuse one that holds somebody else's files or a live instance."""
    path = os.path.realpath(path)
    os.makedirs(path, mode=0o755, exist_ok=True)
    stamp = os.path.join(path, STAMP)
    if os.listdir(path) and not os.path.exists(stamp):
        sys.exit(f"{path} is not empty and not a {what} directory")
    handle = open(stamp, "a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit(f"another start or stop is at work in {path}")
    handle.seek(0)
    kind = handle.read().strip()
    if kind not in ("", what):
        sys.exit(f"{path} belongs to {kind}, not {what}")
    if not kind:
        handle.write(what + "\n")
        handle.flush()
    return path, handle


def clear(path, keep=()):
    """Remove all but the stamp, and the short directory that `short` names."""
    try:
        with open(os.path.join(path, "short")) as f:
            short = f.read().strip()
        if os.path.basename(short).startswith("pstar-"):
            shutil.rmtree(short, ignore_errors=True)
    except OSError:
        pass
    for name in os.listdir(path):
        if name == STAMP or name in keep:
            continue
        full = os.path.join(path, name)
        if os.path.isdir(full) and not os.path.islink(full):
            shutil.rmtree(full, ignore_errors=True)
        else:
            os.unlink(full)


def short_dir(path, longest):
    """A directory for Unix sockets, whose names may have 107 bytes: DIR itself if it is short enough."""
    if len(os.fsencode(path)) <= longest:
        return path
    for base in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):
        if base and len(os.fsencode(base)) <= longest - 14 and os.access(base, os.W_OK):
            break
    else:
        sys.exit(f"{path} is too long for Unix sockets, and no short temporary directory was found")
    short = tempfile.mkdtemp(prefix="pstar-", dir=base)
    os.chmod(short, 0o755)
    with open(os.path.join(path, "short"), "w") as f:
        f.write(short + "\n")
    return short


def free_ports(count, low=20000, high=32000):
    """Free TCP ports below the usual ephemeral range, so that no outgoing connection takes them meanwhile."""
    held, ports = [], []
    for port in random.SystemRandom().sample(range(low, high), high - low):
        s = socket.socket()
        try:
            s.bind(("", port))
        except OSError:
            s.close()
            continue
        held.append(s)
        ports.append(port)
        if len(ports) == count:
            break
    for s in held:
        s.close()
    if len(ports) < count:
        sys.exit("no free ports")
    return ports


def cpus():
    n = len(os.sched_getaffinity(0))
    for name in ("/sys/fs/cgroup/cpu.max", ):
        try:
            quota, period = open(name).read().split()
            if quota != "max":
                n = max(1, min(n, int(quota) // int(period)))
        except (OSError, ValueError):
            pass
    return n


def memory_mib():
    """Memory that tasks may use: MemAvailable or the container's limit, less a reserve of an eighth."""
    kib = {}
    for line in open("/proc/meminfo"):
        key, value = line.split(":")
        kib[key] = int(value.split()[0])
    mib = kib.get("MemAvailable", kib["MemTotal"]) // 1024
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            mib = min(mib, int(open(name).read()) >> 20)
        except (OSError, ValueError):
            pass
    return max(256, mib * 7 // 8)


def _stat(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return fields[0], int(fields[1])            # state, parent


def alive(pid):
    try:
        return _stat(pid)[0] not in "ZX"
    except (OSError, IndexError):
        return False


def ours(path, also=()):
    """Live processes that carry our mark or name DIR in SLURM_CONF, those of pid files, and all their descendants."""
    mark = f"{MARK}={path}".encode()
    confs = {f"SLURM_CONF={path}/{conf}".encode() for conf in ("slurm.conf", "daemon/slurm.conf")}
    parents, found = {}, set()
    me = {os.getpid()}
    up = os.getppid()
    while up > 1:                                # never a caller of ours
        me.add(up)
        try:
            up = _stat(up)[1]
        except OSError:
            break
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        pid = int(name)
        try:
            state, parent = _stat(pid)
            if state in "ZX":
                continue
            parents[pid] = parent
            with open(f"/proc/{pid}/environ", "rb") as f:
                environ = set(f.read().split(b"\0"))
            # slurmstepd leaves slurmd's tree and writes its title over its environment, but keeps our directory
            with open(f"/proc/{pid}/comm") as f:
                if f.read().startswith("slurmstepd") and os.readlink(f"/proc/{pid}/cwd").split(" (del")[0] == path:
                    found.add(pid)
        except (OSError, IndexError):
            continue
        # a client that merely exported SLURM_CONF is not ours; a job's process is
        if mark in environ or confs & environ and any(e.startswith(b"SLURM_JOB_ID=") for e in environ):
            found.add(pid)
    found |= {p for p in also if p in parents}
    grew = True
    while grew:
        grew = False
        for pid, parent in parents.items():
            if parent in found and pid not in found:
                found.add(pid)
                grew = True
    return found - me


def pid_files(path):
    """pids of DIR/run/*.pid whose process still names DIR in its environment (a pid may have been reused)."""
    pids = {}
    run = os.path.join(path, "run")
    for name in sorted(os.listdir(run)) if os.path.isdir(run) else ():
        if not name.endswith(".pid"):
            continue
        try:
            pid = int(open(os.path.join(run, name)).read())
            environ = open(f"/proc/{pid}/environ", "rb").read()
        except (OSError, ValueError):
            continue
        if alive(pid) and f"{MARK}={path}".encode() in environ.split(b"\0"):
            pids[name[:-4]] = pid
    return pids


def end(pids, grace):
    """TERM, wait, KILL, wait; returns those that even KILL did not end."""
    left = {p for p in pids if alive(p)}
    for sig, wait in ((signal.SIGTERM, grace), (signal.SIGKILL, 5)):
        for pid in left:
            try:
                os.kill(pid, sig)
            except OSError:
                pass
        stop = time.monotonic() + wait
        while left and time.monotonic() < stop:
            left = {p for p in left if alive(p)}
            time.sleep(0.02)
        if not left:
            break
    return left


def text(path):
    try:
        with open(path, errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def tail(path, lines=15):
    say(f"--- {path}")
    for line in text(path)[-8000:].splitlines()[-lines:]:
        say("   ", line)


def finish(path, handle, keep):
    """Remove what the instance wrote; with keep, leave the logs."""
    clear(path, keep=("log",) if keep else ())
    if not keep:
        os.unlink(os.path.join(path, STAMP))
        try:
            os.rmdir(path)
        except OSError:
            pass
    handle.close()
