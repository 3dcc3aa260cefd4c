"""Write, finish and check stores. What a store looks like to a reader is in `attractory.layout`.

StorePlan, SystemPlan, GridPlan, Block     what a store will hold; pure arithmetic (plan.py)
root_document, finished_document           what lies at a path (state.py)
locked, shared, in_turn                    one run at a time, or many slices of one (state.py)
create(path, plan)                         metadata, time axes, splits: once (template.py)
write_block(path, plan, block, made)       a block's shards and its row (blocks.py, shards.py, rows.py)
pack_block(path, plan, block, made)        the same, not waiting for the disk
done_rows(path, plan)                      what an interrupted run has left that holds
finish(path, plan)                         arrays of each system, manifest, the root's digest (finish.py, manifest.py)
check(path)                                every damaged file (check.py)
"""

from attractory.store.blocks import PackedBlock, encode_block, pack_block, write_block
from attractory.store.check import Contents, Damage, check, contents
from attractory.store.finish import finish
from attractory.store.manifest import read_manifest
from attractory.store.plan import Block, GridPlan, StorePlan, SystemPlan
from attractory.store.rows import BlockRow, ShardRow, declared, done_rows
from attractory.store.state import finished_document, in_turn, is_finished, locked, root_document, shared
from attractory.store.template import create, strangers

__all__ = [
    "Block",
    "BlockRow",
    "Contents",
    "Damage",
    "GridPlan",
    "PackedBlock",
    "ShardRow",
    "StorePlan",
    "SystemPlan",
    "check",
    "contents",
    "create",
    "declared",
    "done_rows",
    "encode_block",
    "finish",
    "finished_document",
    "in_turn",
    "is_finished",
    "locked",
    "pack_block",
    "read_manifest",
    "root_document",
    "shared",
    "strangers",
    "write_block",
]
