#!/usr/bin/env python3
"""A Slurm of one machine, below a directory, on loopback only, without systemd.

    eval "$(start_slurm.py DIR [--cpus N] [--nodes K] [--memory MiB] [--set KEY=VALUE])"

Nothing outside the directory is read or written. Exit: 0 ready, 77 packages missing, 1 failed (logs on standard error).
stop_slurm.py DIR ends it.
"""

import argparse
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time

from cluster import (
    MARK, clear, cpus, end, finish, free_ports, memory_mib, open_dir, ours, pid_files, require, say, short_dir, tail, text,
)

args = argparse.ArgumentParser(description=__doc__)
args.add_argument("dir")
args.add_argument("--cpus", type=int, default=cpus(), help="CPUs of each node; may exceed the real number")
args.add_argument("--memory", type=int, default=0, help="MiB of each node")
args.add_argument("--nodes", type=int, default=1, help="nodes (one slurmd each, all on this machine)")
args.add_argument("--wait", type=float, default=60, help="seconds until the nodes must be idle")
args.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="line for slurm.conf, last word")
args = args.parse_args()

require(["munged", "slurmctld", "slurmd", "sinfo", "scontrol", "sbatch"],
        "apt-get install --no-install-recommends slurmctld slurmd slurm-client munge")
if re.search(r"""[\s"'#,%=\\]""", os.path.realpath(args.dir)):
    sys.exit("Slurm's configuration cannot express this directory name")
DIR, lock = open_dir(args.dir, "slurm")
if pid_files(DIR):
    sys.exit(f"an instance is running in {DIR}; stop it first")
if end(ours(DIR), 3):                                # what a killed instance left behind
    sys.exit(f"processes of an earlier instance in {DIR} cannot be ended")
clear(DIR)
for name in ("log", "run", "state"):
    os.mkdir(os.path.join(DIR, name), 0o755)
SHORT = short_dir(DIR, 60)
os.mkdir(os.path.join(SHORT, "munge"), 0o755)
CLIENT_CONF, LOG = os.path.join(DIR, "slurm.conf"), os.path.join(DIR, "log")
SOCKET, KEY = os.path.join(SHORT, "munge", "socket"), os.path.join(DIR, "state", "munge.key")

version = subprocess.run(["slurmd", "-V"], capture_output=True, text=True).stdout
version = tuple(int(x) for x in re.findall(r"\d+", version)[:2]) or (0, 0)
user = pwd.getpwuid(os.geteuid()).pw_name

# Slurm binds to the address of the host name (CommunicationParameters below) or to every interface.
# If the name is no loopback name, the daemons get a UTS namespace in which the host is called localhost.
host, prefix, comm = socket.gethostname().split(".")[0], [], "NoInAddrAny,NoCtldInAddrAny"
def loopback(name):
    try:
        return all(a[4][0].startswith("127.") for a in socket.getaddrinfo(name, None, socket.AF_INET))
    except OSError:
        return False
if not loopback(socket.gethostname()):
    trial = ["unshare", "--uts", "sh", "-c", 'hostname localhost && exec "$@"', "sh"]
    if loopback("localhost") and shutil.which("unshare") and \
            subprocess.run(trial + ["true"], stdin=subprocess.DEVNULL, capture_output=True).returncode == 0:
        host, prefix = "localhost", trial
    else:
        comm = ""
        say("note: the host name is not a loopback name and unshare is refused: ports are open on all interfaces")

# Clients outside that namespace must not try to bind to the host name: they get a file without the parameter.
CONF = CLIENT_CONF
if prefix:
    os.mkdir(os.path.join(DIR, "daemon"), 0o755)
    CONF = os.path.join(DIR, "daemon", "slurm.conf")

env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LC_ALL": "C",
       "SLURM_CONF": CONF, MARK: DIR}

def launch(name, command):
    with open(os.path.join(LOG, name + ".out"), "ab") as out:
        p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, cwd=DIR,
                             start_new_session=True)
    with open(os.path.join(DIR, "run", name + ".pid"), "w") as f:
        f.write(f"{p.pid}\n")
    return p

def fail(why):
    say("start_slurm.py:", why)
    for name in sorted(os.listdir(LOG)):
        tail(os.path.join(LOG, name))
    left = end(ours(DIR, pid_files(DIR).values()), 5)
    finish(DIR, lock, keep=True)
    sys.exit("still alive: %s" % sorted(left) if left else 1)

def ask(*command):
    try:
        p = subprocess.run(command, env={**env, "SLURM_CONF": CLIENT_CONF}, capture_output=True, text=True, timeout=20)
        return p.stdout if p.returncode == 0 else ""
    except subprocess.TimeoutExpired:
        return ""

nodes = ["n%d" % (i + 1) for i in range(args.nodes)]
memory = args.memory or memory_mib() // args.nodes

def configure(ports):
    lines = f"""
ClusterName=pstar
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={SOCKET}
{f"CommunicationParameters={comm}" if comm else ""}
StateSaveLocation={DIR}/state
SlurmdSpoolDir={SHORT}/spool.%n
SlurmctldPidFile={DIR}/state/slurmctld.pid
SlurmdPidFile={DIR}/state/slurmd.%n.pid
SlurmctldLogFile={LOG}/slurmctld.log
SlurmdLogFile={LOG}/slurmd.%n.log
MailProg={shutil.which("true")}
# no cgroups: processes are found by parentage, memory is polled (every 2 s) and over-users are killed
ProctrackType=proctrack/linuxproc
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill,NoShared
JobCompType=jobcomp/filetxt
JobCompLoc={DIR}/jobs.txt
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU={max(1, memory // args.cpus)}
PriorityType=priority/basic
SchedulerParameters=batch_sched_delay=0,sched_interval=1,default_queue_depth=1000,max_array_tasks=100001
MaxArraySize=100001
MaxJobCount=250000
# finished jobs stay visible to scontrol for an hour (there is no sacct)
MinJobAge=3600
KillWait=5
ReturnToService=1
SlurmdTimeout=60
MessageTimeout=60
SlurmdParameters=config_overrides
"""
    for node, port in zip(nodes, ports[1:]):
        lines += f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={args.cpus} RealMemory={memory}\n"
    lines += f"PartitionName=pstar Nodes=ALL Default=YES DefaultTime=60 MaxTime=INFINITE State=UP\n"
    lines += "".join(line + "\n" for line in args.set)
    for conf in {CONF, CLIENT_CONF}:
        with open(conf, "w") as f:
            for line in lines.lstrip().splitlines(keepends=True):
                if conf == CONF or not line.startswith("CommunicationParameters"):
                    f.write(line)
    # Only newer Slurm reads this file when no cgroup plugin is asked for.
    with open(os.path.join(os.path.dirname(CONF), "cgroup.conf"), "w") as f:
        f.write("CgroupPlugin=disabled\n" if version >= (24, 5) else "IgnoreSystemd=yes\n" if version >= (23, 2) else "")

def start():
    with open(os.open(KEY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
        f.write(secrets.token_bytes(128))
    deadline = time.monotonic() + args.wait
    munged = launch("munged", ["munged", "--foreground", "--force", "--num-threads=2", f"--socket={SOCKET}",
                               f"--key-file={KEY}", f"--pid-file={DIR}/state/munged.pid",
                               f"--seed-file={DIR}/state/munged.seed", f"--log-file={LOG}/munged.log"])
    while not os.path.exists(SOCKET):
        if munged.poll() is not None or time.monotonic() > deadline:
            fail("munged did not come up")
        time.sleep(0.02)

    for attempt in range(5):
        configure(free_ports(1 + args.nodes))
        ctld = launch("slurmctld", prefix + ["slurmctld", "-D", "-c", "-f", CONF])
        while ctld.poll() is None and "UP" not in ask("scontrol", "ping"):
            if time.monotonic() > deadline:
                fail("slurmctld does not answer")
            time.sleep(0.1)
        if ctld.poll() is None:
            break
        if "in use" not in text(os.path.join(LOG, "slurmctld.log")):
            fail(f"slurmctld ended with {ctld.returncode}")
    else:
        fail("no port for slurmctld")

    slurmds = {}
    for node in nodes:
        os.makedirs(os.path.join(SHORT, "spool." + node), 0o755)
        slurmds[node] = launch("slurmd." + node, prefix + ["slurmd", "-D", "-N", node, "-f", CONF])
    while True:
        # --Format, for the compact form may shorten names and mark states
        states = [line.split() for line in ask("sinfo", "-h", "-N", "-O", "NodeList:64,StateLong:64").splitlines()]
        if len(states) == args.nodes and all(s == "idle" for _, s in states):
            break
        dead = [n for n, p in slurmds.items() if p.poll() is not None]
        if dead or ctld.poll() is not None:
            fail(f"a daemon ended: {dead or 'slurmctld'}")
        if time.monotonic() > deadline:
            fail(f"nodes not idle after {args.wait:g} s: {states}")
        time.sleep(0.1)

signal.signal(signal.SIGTERM, signal.default_int_handler)
try:
    start()
except (Exception, KeyboardInterrupt) as e:
    fail(repr(e))
lock.close()
print(f"export SLURM_CONF={CLIENT_CONF}")
