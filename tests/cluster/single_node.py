"""A real SLURM of a single node, run by root without systemd, in a folder of its own."""

import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch", "srun")
CONFIGURED = Path("/etc/slurm/slurm.conf")
PREFIX = "infoplane-slurm-"
LIVE = "pending,running,completing"

# More memory than there is: it is scheduled, not enforced, and the profiles stay as they are.
CONFIGURATION = """\
ClusterName=infoplane
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=5,sched_min_interval=0,bf_interval=5
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
MinJobAge=3600
KillWait=2
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=64000 Gres=gpu:1
PartitionName=debug Nodes={host} Default=YES MaxTime=INFINITE
"""


class CannotStart(Exception):
    """Why there is no SLURM here."""


class SingleNode:
    """What a user does with a cluster: ask after jobs, and cancel them."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def tell(self, *command: str) -> str:
        """What a command of SLURM prints."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def jobs(self, states: str = "all") -> list[dict[str, str]]:
        """Jobs in the order of their submission, and what squeue says of each."""
        fields = {"id": "%i", "state": "%T", "name": "%j", "comment": "%k", "memory": "%m", "limit": "%l"}
        layout = "|".join([*fields.values(), "%Z"])
        lines = self.tell("squeue", "--noheader", "--sort=i", f"--states={states}", f"--format={layout}")
        return [dict(zip([*fields, "folder"], line.split("|"), strict=True)) for line in lines.splitlines()]

    def live(self) -> list[dict[str, str]]:
        """Jobs that wait, run or are coming to their end."""
        return self.jobs(LIVE)

    def cancel(self, jobs: list[dict[str, str]]) -> None:
        """Cancel jobs, and wait for their end."""
        if numbers := {job["id"] for job in jobs}:
            self.tell("scancel", *numbers)
            wait_until(lambda: numbers.isdisjoint(job["id"] for job in self.live()), 60)


def wait_until(condition: Callable[[], T], seconds: float) -> T:
    """The first true value of a condition."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.2)
    return value


@contextmanager
def single_node(configured: Path = CONFIGURED) -> Iterator[SingleNode]:
    """Start munged, slurmctld and slurmd, and stop them and their jobs at the end.

    The inner `srun` of Snakemake's jobs is told nothing of SLURM_CONF, so `configured` has to be a link to
    the new configuration. It replaces nothing but such a link that was left behind.
    """
    if os.geteuid() != 0:
        raise CannotStart("only root can start SLURM")
    if missing := [program for program in PROGRAMS if shutil.which(program) is None]:
        raise CannotStart(f"SLURM is not installed: there is no {', '.join(missing)}")
    with open(Path(tempfile.gettempdir(), f"{PREFIX}lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart("another run of these tests has started SLURM") from None
        # Whoever left a link without holding the lock is dead.
        if configured.is_symlink() and configured.readlink().parent.name.startswith(PREFIX):
            configured.unlink()
        if os.path.lexists(configured):
            raise CannotStart(f"{configured} is somebody else's")
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        try:
            configured.symlink_to(folder / "slurm.conf")
            with running(folder) as node:
                yield node
        finally:
            configured.unlink(missing_ok=True)
            shutil.rmtree(folder)


@contextmanager
def running(folder: Path) -> Iterator[SingleNode]:
    host = socket.gethostname().partition(".")[0]
    for name in ("state", "spool"):
        (folder / name).mkdir()
    configuration = folder / "slurm.conf"
    configuration.write_text(CONFIGURATION.format(host=host, folder=folder, ports=free_ports(2)))
    # It is scheduled as a GPU is, and computes nothing.
    (folder / "gres.conf").write_text("Name=gpu File=/dev/null\n")
    environment = os.environ | {"SLURM_CONF": str(configuration)}
    key, munge = folder / "munge.key", folder / "munge.socket"
    places = [f"--{name}={folder}/munge.{name}" for name in ("socket", "pid-file", "log-file", "seed-file")]
    daemons = {}

    def start(name: str, *arguments: str) -> None:
        # A daemon ends with these tests, however they end.
        with open(folder / f"{name}.out", "wb") as output:
            daemons[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", name, *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def is_idle() -> bool:
        for name, daemon in daemons.items():
            if daemon.poll() is not None:
                raise CannotStart(f"{name} ended at once: {(folder / f'{name}.out').read_text().strip()}")
        sinfo = ["sinfo", "--noheader", "--format=%T"]
        answer = subprocess.run(sinfo, env=environment, capture_output=True, text=True, timeout=60)
        return answer.stdout.strip() == "idle"

    try:
        subprocess.run(["mungekey", "--create", f"--keyfile={key}"], check=True)
        start("munged", "--foreground", "--force", f"--key-file={key}", *places)
        try:
            wait_until(munge.exists, 60)
            start("slurmctld", "-D")
            start("slurmd", "-D", "-N", host)
            wait_until(is_idle, 60)
        except TimeoutError as error:
            raise CannotStart(f"SLURM is not ready: {error}") from None
        node = SingleNode(environment)
        try:
            yield node
        finally:  # Jobs outlive slurmd.
            node.cancel(node.live())
    finally:
        for daemon in reversed(daemons.values()):
            daemon.terminate()
            daemon.wait(30)


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
