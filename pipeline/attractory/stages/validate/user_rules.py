"""Rules from a file of the person who runs the referee: Python with a list RULES, run only because the command line names it."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from attractory.errors import RequestError
from attractory.stages.validate.rule import Rule

LIST = "RULES"


@dataclass(frozen=True)
class RuleFile:
    """The text of a file of rules, so that workers elsewhere need no common folder."""

    name: str
    text: str


def read_files(paths: Sequence[str | Path]) -> tuple[RuleFile, ...]:
    """The files that were named.

    Raises: RequestError where one cannot be read.
    """
    files = []
    for path in map(Path, paths):
        try:
            files.append(RuleFile(str(path), path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            message = f"{path}: cannot be read as a file of rules: {error}"
            raise RequestError(message) from error
    return tuple(files)


def rules_in(file: RuleFile) -> tuple[Rule, ...]:
    """The rules of a file, each with the file as its source.

    Raises: RequestError where the file does not run, or has no list RULES of rules.
    """
    names: dict[str, Any] = {"__name__": Path(file.name).stem, "__file__": file.name}
    try:
        exec(compile(file.text, file.name, "exec"), names)
    except Exception as error:
        last = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file.name]
        line = error.lineno if isinstance(error, SyntaxError) else (last[-1] if last else 1)
        message = f"{file.name}:{line}: the file of rules does not run: {type(error).__name__}: {error}"
        raise RequestError(message) from error
    rules = names.get(LIST)
    if not isinstance(rules, list | tuple) or not rules or not all(isinstance(rule, Rule) for rule in rules):
        message = f"{file.name}: has no list {LIST} of rules, expected {LIST} = [Rule(...)], with Rule from attractory.stages.validate"
        raise RequestError(message)
    return tuple(replace(rule, source=file.name) for rule in rules)


def with_user_rules(rules: Sequence[Rule], files: Sequence[RuleFile]) -> tuple[Rule, ...]:
    """All rules; those of files after our own.

    Raises: RequestError where a file cannot be used, or a name is taken.
    """
    found = list(rules)
    for file in files:
        for rule in rules_in(file):
            taken = next((other for other in found if other.key == rule.key), None)
            if taken is not None:
                message = f"{file.name}: the rule {rule.key} is there already, from {taken.source}. Choose another name."
                raise RequestError(message)
            found.append(rule)
    return tuple(found)
