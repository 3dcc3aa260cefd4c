"""What a cluster file may say: one record a kind. Its words are numbers, names and paths; none is evaluated."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

JobKind = Literal["slurm", "pbs", "sge", "lsf", "oar", "moab"]
# Far above what one scheduler of Dask can lead.
MOST = 100_000
# What a shell takes as it stands: these words come into job scripts.
_WORD = re.compile(r"[A-Za-z0-9_@%+=:,./-]{1,1000}\Z")
_WALLTIME = re.compile(r"(\d{1,3}-)?\d{1,4}(:\d\d){1,2}\Z")
_MEMORY = re.compile(r"\d{1,6}(\.\d{1,3})? ?[KMGT]i?B\Z")
_ADDRESS = re.compile(r"(tcp|tls|ws|wss|ucx)://[A-Za-z0-9_.:\[\]-]{1,300}(/\S{0,300})?\Z")


def _word(value: str) -> str:
    if not _WORD.match(value):
        raise PydanticCustomError("word", "expected letters, digits and any of _@%+=:,./- without blanks")
    return value


def _line(value: str) -> str:
    if "\n" in value or "\r" in value or "\0" in value:
        raise PydanticCustomError("line", "expected a text of one line")
    return value


Count = Annotated[int, Field(strict=True, ge=1, le=MOST)]
Word = Annotated[str, Field(strict=True), AfterValidator(_word)]
Line = Annotated[str, Field(strict=True, max_length=10_000), AfterValidator(_line)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LocalCluster(_Part):
    """Processes of this machine, as `--workers N` has them."""

    kind: Literal["local"]
    workers: Count


class RunningCluster(_Part):
    """A scheduler that runs already, and its workers."""

    kind: Literal["address"]
    address: Annotated[str, Field(strict=True)]

    @field_validator("address")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if not _ADDRESS.match(value):
            raise PydanticCustomError("address", "expected a scheduler's address, such as tcp://10.0.0.7:8786")
        return value


class MpiCluster(_Part):
    """The ranks of the MPI run that this process is one of."""

    kind: Literal["mpi"]
    interface: Word | None = None
    local_directory: Word | None = None


class Adaptive(_Part):
    """How many jobs there are at least and at most; as many as there is work for, in between."""

    minimum: Count = 1
    maximum: Count

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.maximum < self.minimum:
            raise PydanticCustomError("range", "expected a maximum that is not below the minimum")
        return self


class JobCluster(_Part):
    """Jobs of a batch system, each with a worker process for each of its cores. `memory` is of a job."""

    kind: JobKind
    jobs: Count | None = None
    workers: Count | None = None
    adaptive: Adaptive | None = None
    cores: Annotated[int, Field(strict=True, ge=1, le=1024)] = 1
    memory: Annotated[str, Field(strict=True)]
    walltime: Annotated[str, Field(strict=True)] | None = None
    queue: Word | None = None
    partition: Word | None = None
    account: Word | None = None
    interface: Word | None = None
    local_directory: Word | None = None
    log_directory: Word | None = None
    python: Word | None = None
    extra: tuple[Line, ...] = ()
    prologue: tuple[Line, ...] = ()
    worker_arguments: tuple[Word, ...] = ()
    wait_hours: Annotated[float, Field(strict=True, gt=0, le=10_000)] = 24.0

    @property
    def job_count(self) -> int:
        """How many jobs are asked for at first."""
        if self.adaptive is not None:
            return self.adaptive.minimum
        return self.jobs or math.ceil((self.workers or 1) / self.cores)

    @field_validator("walltime")
    @classmethod
    def _is_a_time(cls, value: str | None) -> str | None:
        if value is not None and not _WALLTIME.match(value):
            raise PydanticCustomError("walltime", "expected hours:minutes:seconds in quotes, such as '04:00:00'")
        return value

    @field_validator("memory")
    @classmethod
    def _is_a_size(cls, value: str) -> str:
        if not _MEMORY.match(value):
            raise PydanticCustomError("memory", "expected a size with its unit, such as 4GB or 512MiB")
        return value

    @model_validator(mode="after")
    def _says_each_thing_once(self) -> Self:
        counted = [name for name in ("jobs", "workers", "adaptive") if getattr(self, name) is not None]
        if len(counted) != 1:
            problem = "found {given}, expected exactly one of jobs, workers and adaptive"
            raise PydanticCustomError("together", problem, {"given": " and ".join(counted) or "none"})
        if self.queue is not None and self.partition is not None:
            raise PydanticCustomError("together", "found queue and partition, which are two names of one thing: expected one of them")
        return self


Cluster = LocalCluster | RunningCluster | MpiCluster | JobCluster
RECORDS: Mapping[str, type[Cluster]] = {
    "local": LocalCluster,
    "address": RunningCluster,
    "mpi": MpiCluster,
    **dict.fromkeys(get_args(JobKind), JobCluster),
}
