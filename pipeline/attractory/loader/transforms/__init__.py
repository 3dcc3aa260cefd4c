"""What is done to whole batches before a training script gets them: `windows(transforms=[Standardise("system"), Noise(decibels=30)])`.

scaling      Standardise
observing    Noise, Hide, Observables, DelayEmbed
sampling     Drop, Resample, Dilate
space        Affine, Permute, Symmetry
known        what a transform may know of the systems before the first batch

A transform is any function (batch, chance) -> batch: a batch of NumPy's arrays goes in and a new one comes out. Random numbers come from
`chance` alone, so that a window is the same in any batch, worker and rank. One that has a function `prepared(known)` is asked first for
the transform that is to be used.
"""

from __future__ import annotations

from attractory.loader.chance import Chance
from attractory.loader.transforms.known import Known, Transform
from attractory.loader.transforms.observing import DelayEmbed, Hide, Noise, Observables
from attractory.loader.transforms.sampling import Dilate, Drop, Resample
from attractory.loader.transforms.scaling import Standardise
from attractory.loader.transforms.space import Affine, Permute, Symmetry

__all__ = [
    "Affine",
    "Chance",
    "DelayEmbed",
    "Dilate",
    "Drop",
    "Hide",
    "Known",
    "Noise",
    "Observables",
    "Permute",
    "Resample",
    "Standardise",
    "Symmetry",
    "Transform",
]
