"""The version of a published dataset, which follows from what decides its bytes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from attractory import layout


def dataset_version(attributes: Mapping[str, Any]) -> str:
    """`<version of the code>-<digest>`: the digest, 12 hexadecimal digits, is of catalog, recipe and code."""
    code = str(attributes[layout.VERSIONS]["attractory"])
    parts = (code, attributes[layout.CATALOG_DIGEST], attributes[layout.RECIPE_DIGEST])
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
    return f"{re.sub('[^0-9A-Za-z.]', '.', code)}-{digest}"
