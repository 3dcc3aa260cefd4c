"""The on-disk contract: names of groups, arrays and attributes, and the format number. The writer and the reader share this page.

<dataset>.zarr/                                 a zarr v3 group; readable with xarray.open_datatree(path, engine="zarr")
  manifest.parquet                              one row per shard, sorted by path
  <System>/                                     a group per system
    initial (trajectory, variable)              float64: the state after the transient = sample 0 of every regular granularity
    parameters (trajectory, parameter)          float64
    start_time (trajectory)                     float64: the system's own t at sample 0 (maps: iterates)
    split (trajectory), status (trajectory)     int8 with CF flag_values and flag_meanings
    parameter_set (trajectory)                  int64, systems with drawn parameters only: the number of the trajectory's parameter set
    parameter_draws (trajectory)                int16, beside parameter_set: how many draws that set took; where none of them had the
                                                behaviour asked for, `parameters` are NaN and the status is not_started
    observation_noise (trajectory, observed_variable)  float64, observed systems only: standard deviation of the noise
    accurate_until (trajectory)                 float64, certified systems only: the last time until which every stored sample, at every
                                                granularity with common times, is the true solution to CERTIFIED_TOLERANCE of the largest
                                                stored magnitude of each variable along the trajectory; NaN where that is not known.
                                                The true solution is the one through `initial`, `start_time` and `parameters` as stored.
    certificate (trajectory)                    int8 with CF flags, beside accurate_until: what that number is, or why there is none
    <granularity>/                              a group per granularity
      state (trajectory, time, variable)        float32 or float64, sharded: one shard is `shard_trajectories` whole trajectories
      time (time)                               float64, in the system's units, counted from sample 0 (maps: iterates)
      digest (shard, byte)                      uint8 (shards, 32): SHA-256 of each shard file
      observed (trajectory, time, observed_variable)  as `state`, observed systems only: what is observed, with its noise
      observed_digest (shard, byte)             SHA-256 of each of its shard files
    <granularity>/                              where samples are the crossings of a section, or their times are drawn, and no dt:
      time (trajectory, time)                   float64, in the system's units, counted from `initial`; sharded as `state` is
      time_digest (shard, byte)                 SHA-256 of each of its shard files
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

FORMAT_VERSION = 1

# Root attributes.
FORMAT = "attractory_format"  # FORMAT_VERSION; its absence means: not one of our stores
RECIPE = "recipe"  # the recipe in canonical form, a JSON object
RECIPE_DIGEST = "recipe_digest"  # SHA-256 of that JSON
CATALOG_DIGEST = "catalog_digest"  # SHA-256 over the digests of the systems used
MANIFEST_DIGEST = "manifest_digest"  # SHA-256 of manifest.parquet; present once the store is finished
VERSIONS = "versions"  # {"attractory": …}: what the bytes may depend on
LICENCE = "licence"
AUTHORS = "authors"
CONVENTIONS = "Conventions"  # "CF-1.11"
CERTIFICATE_FILES = "certificate_files"  # {path: SHA-256} of the files that certifying added to a finished store; absent where it did not
PRECISION = "precision"  # "reference" where every sample is the true solution through sample 0, rounded; absent otherwise
PARAMETER_REDRAWS = (
    "parameter_redraws"  # {system: {"sets", "drawn_again", "redraws", "not_found"}}; with drawn parameters only, once finished
)
PARENT = "parent"  # {"dataset", "version", "manifest_digest", "trajectories"}: of what it is a part; absent from a whole dataset
PROVEN_BITS = "proven_bits"  # binary digits of each number that are proven to be the true solution's; with `precision` only

# Attributes of a system's group.
NAME = "name"
KIND = "kind"
SYSTEM_DIGEST = "system_digest"
EQUATIONS = "equations"
RECORD = "record"  # the whole entry as a JSON object (SystemRecord.model_dump(mode="json")): what validation rebuilds the system from
VARIABLES = "variables"  # names, in the order of the last axis of `state` and `initial`
PARAMETERS = "parameters"  # names, in the order of the last axis of the `parameters` array
PARAMETER_VALUES = "parameter_values"
INVARIANTS = "invariants"
REFERENCE = "reference"
BEHAVIOUR = "behaviour"
TAGS = "tags"
PERIOD = "period"  # in the system's time units; absent where the entry has none
LYAPUNOV_TIME = "lyapunov_time"  # 1 / leading exponent; absent where there is none
CONSERVED = "conserved"
WRAP = "wrap"  # {variable: [low, high]} of coordinates on a circle: samples lie in [low, high); absent where there is none
PARAMETER_FAMILY = "parameter_family"  # how the parameter sets were drawn; absent where every trajectory has PARAMETER_VALUES
START_BOX = (
    "start_box"  # {"from": "basin" or "box", "ranges": {variable: [low, high]}} of states before the transient; absent: near the entry's
)
OBSERVATION = (
    "observation"  # {"variables", "noise"}: what `observed` is, its last axis being these variables; absent where nothing is observed
)
SPLIT_BY = "split_by"  # "parameters" or "system"; absent where splits are by trajectory

# Attributes of a granularity's group.
DT = "dt"  # time between samples (maps: iterates)
SAMPLES_PER_PERIOD = "samples_per_period"
SAMPLES_PER_LYAPUNOV_TIME = "samples_per_lyapunov_time"
TIMES = "times"  # of a granularity whose times are drawn: {"drawn": "poisson", "jitter" or "dropped", "spacing", "part"}: see DrawnTimes
SECTION = "section"  # of an irregular granularity: {"of", "at", "direction"} or {"maximum_of"} or {"minimum_of"}; "within" in time units
REQUESTED = "requested"  # the granularity as the recipe says it
NOTE = "note"

# Arrays.
STATE = "state"
TIME = "time"
DIGEST = "digest"
TIME_DIGEST = "time_digest"
OBSERVED = "observed"
OBSERVED_DIGEST = "observed_digest"
OBSERVATION_NOISE = "observation_noise"
INITIAL = "initial"
PARAMETER_ARRAY = "parameters"
START_TIME = "start_time"
SPLIT = "split"
STATUS = "status"
PARAMETER_SET = "parameter_set"
PARAMETER_DRAWS = "parameter_draws"
ACCURATE_UNTIL = "accurate_until"
CERTIFICATE = "certificate"

MANIFEST = "manifest.parquet"
SYSTEM_ARRAYS = (INITIAL, PARAMETER_ARRAY, START_TIME, SPLIT, STATUS)
FAMILY_ARRAYS = (PARAMETER_SET, PARAMETER_DRAWS)  # only of systems whose parameters are drawn
OBSERVATION_ARRAYS = (OBSERVATION_NOISE,)  # only of systems that are observed
DIGESTS = {STATE: DIGEST, TIME: TIME_DIGEST, OBSERVED: OBSERVED_DIGEST}  # sharded array -> the array of its shards' digests
CERTIFICATE_ARRAYS = (ACCURATE_UNTIL, CERTIFICATE)  # only of systems that were certified

CERTIFIED_TOLERANCE = 1e-6

SPLITS = ("train", "validation", "test")  # the code of a split is its place here


@dataclass(frozen=True)
class SetOrder:
    """Which trajectories are of which parameter set: those of one follow each other, or sets are dealt out in turn to all splits."""

    sets: int
    trajectories_per_set: int
    together: bool

    def of(self, trajectory: Any) -> Any:
        """The number of the set of a trajectory, or of an array of them."""
        return trajectory // self.trajectories_per_set if self.together else trajectory % self.sets


@dataclass(frozen=True)
class DrawnTimes:
    """How the sample times of each trajectory are drawn.

    drawn: "poisson": the times of a Poisson process, `spacing` apart in the mean. "jitter": sample k lies between k spacing and
    (k + part) spacing. "dropped": of the times k spacing each is left out with the chance `part`. spacing: in the system's time units.
    """

    drawn: str
    spacing: float
    part: float = 0.0

    @property
    def mean(self) -> float:
        """The mean time from one sample to the next."""
        return self.spacing / (1.0 - self.part) if self.drawn == "dropped" else self.spacing

    @property
    def text(self) -> str:
        """In the middle of a sentence."""
        if self.drawn == "poisson":
            return f"Poisson times, {self.spacing:.6g} apart in the mean"
        if self.drawn == "jitter":
            return f"{self.spacing:.6g} apart, each up to {self.part:g} of that late"
        return f"{self.spacing:.6g} apart, each left out with the chance {self.part:g}"


class Status(IntEnum):
    """How a trajectory ended; `sentence` is what a person reads."""

    OK = 0
    DIVERGED = 1
    STEP_UNDERFLOW = 2
    STEP_BUDGET = 3
    SLIDING = 4
    NOT_STARTED = 5
    ZENO = 6
    NOT_CROSSED = 7
    PRECISION = 8

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    Status.OK: "reached the last sample",
    Status.DIVERGED: "left every bound: a state became infinite or undefined",
    Status.STEP_UNDERFLOW: "the step size fell below the resolution of time",
    Status.STEP_BUDGET: "the budget of steps was spent",
    Status.SLIDING: "the solution slides along a switching surface on which the equations do not say how it goes on",
    Status.NOT_STARTED: "the initial state or a parameter is not a finite number",
    Status.ZENO: "the switches turn ever faster, without end in finite time",
    Status.NOT_CROSSED: "a section was not crossed within the time allowed from one crossing to the next",
    Status.PRECISION: "needs more digits than the longest expansion has; the samples before are true to the last digit",
}


class Certificate(IntEnum):
    """What `accurate_until` of a trajectory is; `sentence` is what a person reads."""

    NOT_ASKED = 0
    UNTIL = 1
    WHOLE = 2
    AT_LEAST = 3
    SPOILT = 4
    NO_REFERENCE = 5

    @property
    def sentence(self) -> str:
        return _CERTIFICATES[self]


_CERTIFICATES = {
    Certificate.NOT_ASKED: "was not asked for",
    Certificate.UNTIL: "the next sample is off by more than the tolerance, as rounding errors grow",
    Certificate.WHOLE: "every sample is within the tolerance",
    Certificate.AT_LEAST: "every sample until there is within the tolerance; beyond, the reference itself cannot tell",
    Certificate.SPOILT: "the next sample is off by more than the tolerance, far sooner than rounding errors grow so large",
    Certificate.NO_REFERENCE: "the reference could not follow the trajectory, so nothing is known",
}


def time_shard_path(system: str, granularity: str, shard: int) -> str:
    """The file of one shard of an irregular granularity's times, relative to the store."""
    return f"{system}/{granularity}/{TIME}/c/{shard}/0"


def shard_path(system: str, granularity: str, shard: int) -> str:
    """The file of one shard, relative to the store: whole trajectories, so the time and variable chunks are always number 0."""
    return f"{system}/{granularity}/{STATE}/c/{shard}/0/0"


def observed_shard_path(system: str, granularity: str, shard: int) -> str:
    """The file of one shard of what is observed, relative to the store."""
    return f"{system}/{granularity}/{OBSERVED}/c/{shard}/0/0"
