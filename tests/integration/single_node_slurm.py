"""A SLURM of one node, started from Debian's packages in a folder of its own: no systemd, no port or file that another one would use."""

from __future__ import annotations

import getpass
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scancel", "squeue", "sinfo", "scontrol")
SEARCHED = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])  # a user's PATH often leaves the daemons out
START_SECONDS = 30.0

# CPUs are claimed, not counted, so that several jobs run at once on the smallest machine; a job is killed soon after it is told to end.
CONFIGURATION = """
ClusterName=attractory
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
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
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,bf_interval=1,sched_interval=1
SlurmdParameters=config_overrides
ReturnToService=2
MpiDefault=none
KillWait=2
MinJobAge=2
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=16000 State=UNKNOWN
PartitionName=small Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


@dataclass(frozen=True)
class Slurm:
    """A SLURM that runs: its folder, and the environment in which sbatch and the others find it."""

    folder: Path
    environment: Mapping[str, str]

    def run(self, *command: str, cwd: Path | None = None) -> str:
        """What one of its commands prints."""
        done = subprocess.run(command, env=self.environment, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}{done.stdout}"
        return done.stdout

    def jobs(self) -> list[str]:
        """The numbers of the jobs that wait or run."""
        return self.run("squeue", "--noheader", "--format=%A", "--states=PENDING,RUNNING").split()

    def wait_until_empty(self, *, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.jobs():
            assert time.monotonic() < deadline, f"jobs still run: {self.run('squeue')}{self.logs()}"
            time.sleep(0.2)

    def logs(self) -> str:
        return "".join(f"\n== {path.name}\n{path.read_text()[-3000:]}" for path in sorted(self.folder.glob("*.log")))


def missing() -> str | None:
    """Why there can be no SLURM here, in words; None where there can be."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=SEARCHED) is None]
    return f"{', '.join(absent)}: not installed (Debian: apt-get install slurm-wlm munge)" if absent else None


@contextmanager
def running_slurm(folder: Path, environment: Mapping[str, str]) -> Iterator[Slurm]:
    """A SLURM whose node takes jobs; everything that was started is stopped at the end."""
    for name in ("state", "spool"):
        (folder / name).mkdir()
    slurm = Slurm(folder, {**environment, "PATH": SEARCHED, "SLURM_CONF": str(folder / "slurm.conf")})
    ports = _free_ports(2)
    settings = {"host": socket.gethostname().partition(".")[0], "user": getpass.getuser(), "folder": folder}
    (folder / "slurm.conf").write_text(CONFIGURATION.format(**settings, controller_port=ports[0], node_port=ports[1]))
    with ExitStack() as stack:
        stack.enter_context(_daemon(slurm, *_munged(folder)))
        _wait_for((folder / "munge.socket").exists, slurm)
        stack.enter_context(_daemon(slurm, "slurmctld", "-D"))
        stack.enter_context(_daemon(slurm, "slurmd", "-D"))
        _wait_for(lambda: _state(slurm) == "idle", slurm)
        yield slurm
        subprocess.run(["scancel", "--user", getpass.getuser()], env=slurm.environment, check=False, timeout=20)
        slurm.wait_until_empty(seconds=30)


def _munged(folder: Path) -> list[str]:
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(128))
    files = {"key-file": key, "socket": "munge.socket", "pid-file": "munge.pid", "log-file": "munge.log", "seed-file": "munge.seed"}
    # Its own checks ask that no folder above can be written by others, which a temporary folder does not fulfil.
    return ["munged", "--foreground", "--force", *(f"--{name}={folder / file}" for name, file in files.items())]


@contextmanager
def _daemon(slurm: Slurm, name: str, *arguments: str) -> Iterator[None]:
    with (slurm.folder / f"{name}.out.log").open("wb") as output:
        program = shutil.which(name, path=SEARCHED) or name
        process = subprocess.Popen([program, *arguments], env=slurm.environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _state(slurm: Slurm) -> str:
    asked = subprocess.run(
        ["sinfo", "--noheader", "--format=%t"], env=slurm.environment, capture_output=True, text=True, timeout=20, check=False
    )
    return asked.stdout.strip()


def _wait_for(happens, slurm: Slurm) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not happens():
        assert time.monotonic() < deadline, f"SLURM did not start: {slurm.logs()}"
        time.sleep(0.1)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
