"""The version of a published dataset, which follows from what decides its bytes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from attractory import layout
from attractory.store.files import canonical_json, sha256


def dataset_version(attributes: Mapping[str, Any]) -> str:
    """`<version of the code>-<digest>`: the digest, 12 hexadecimal digits, is of catalog, recipe, code and certificates."""
    code = str(attributes[layout.VERSIONS]["attractory"])
    parts = [code, attributes[layout.CATALOG_DIGEST], attributes[layout.RECIPE_DIGEST]]
    if layout.CERTIFICATE_FILES in attributes:  # a store that was certified since is another version; one that never was keeps its own
        parts.append(sha256(canonical_json(attributes[layout.CERTIFICATE_FILES])))
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
    return f"{re.sub('[^0-9A-Za-z.]', '.', code)}-{digest}"
