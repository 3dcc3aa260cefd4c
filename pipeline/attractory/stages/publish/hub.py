"""A dataset repository of the Hugging Face hub, as a dry run: the files that would be uploaded, and the plan of the commits.

The root of the repository is a version's folder; the version is a tag. Files are few and large, in few commits; the card is in the last
one, so that nobody is shown a dataset before it is whole.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from attractory.errors import RequestError

PROTOCOL = "hf://"
_REPOSITORY = re.compile(r"hf://datasets/(?P<name>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)/?\Z")
# What the hub asks of a repository: https://huggingface.co/docs/hub/storage-limits
MOST_IN_A_FOLDER = 10_000
MOST_FILES = 100_000
COMMIT_FILES, COMMIT_BYTES = 500, 50 * 10**9
CARD = "README.md"


@dataclass(frozen=True)
class HubFile:
    path: str
    bytes: int
    sha256: str


def repository(url: str) -> str:
    """`owner/name` of a dataset repository.

    Raises: RequestError where the URL names none.
    """
    found = _REPOSITORY.match(url)
    if found is None:
        message = f"{url}: expected hf://datasets/OWNER/NAME."
        raise RequestError(message)
    return found["name"]


def upload_plan(url: str, version: str, files: Mapping[str, HubFile]) -> dict[str, Any]:
    """The commits that put a version there, in their order.

    Raises: RequestError where the hub would not take so many files.
    """
    _check_counts(files)
    commits = [
        {
            "message": f"{version}, part {number}",
            "files": [asdict(file) for file in part],
        }
        for number, part in enumerate(_commits(files), start=1)
    ]
    return {"repository": repository(url), "repository_type": "dataset", "commits": commits, "tag": version}


def plan_text(plan: Mapping[str, Any]) -> str:
    return json.dumps(plan, indent=1, ensure_ascii=False) + "\n"


def _commits(files: Mapping[str, HubFile]) -> Iterator[list[HubFile]]:
    part: list[HubFile] = []
    for path in sorted(files, key=lambda path: (path == CARD, path)):
        if part and (len(part) == COMMIT_FILES or sum(file.bytes for file in part) + files[path].bytes > COMMIT_BYTES):
            yield part
            part = []
        part.append(files[path])
    yield part


def _check_counts(files: Mapping[str, HubFile]) -> None:
    folder, most = max(Counter(path.rpartition("/")[0] for path in files).items(), key=lambda item: item[1])
    if most > MOST_IN_A_FOLDER:
        message = f"{folder} would hold {most} files, the hub takes {MOST_IN_A_FOLDER} in a folder. Raise shard_trajectories in the recipe."
        raise RequestError(message)
    if len(files) > MOST_FILES:
        message = f"there would be {len(files)} files, the hub takes {MOST_FILES} in a repository. Raise shard_trajectories in the recipe."
        raise RequestError(message)
