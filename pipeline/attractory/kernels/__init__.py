"""Compiled step functions: from a `Definition` to machine code for vector lanes.

Target                     the instructions that may be used
flow_kernel, map_kernel,
delay_kernel               compile (or find compiled) a system
lanes_for, order_for       the lane width for a system, the order for a tolerance
"""

from attractory.kernels.delay import DelayKernel, delay_kernel
from attractory.kernels.flow import FlowKernel, flow_kernel, lanes_for
from attractory.kernels.machine import Target
from attractory.kernels.map import MapKernel, groups_for, map_kernel
from attractory.kernels.step_size import order_for

__all__ = [
    "DelayKernel",
    "FlowKernel",
    "MapKernel",
    "Target",
    "delay_kernel",
    "flow_kernel",
    "groups_for",
    "lanes_for",
    "map_kernel",
    "order_for",
]
