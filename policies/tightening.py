"""Rules of whoever may only make things stricter: a workspace, or somebody in the middle of a session."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from agentrt.documents import Document, Loc, Section
from agentrt.errors import UsageError

from .chains import Written, read_written
from .pack import Pack

_BUILT = (("require",), ("redact",), ("redact",), ("files", "hidden"), ("files", "canaries"))
_LOOSER = ("extends", "home", "tools", "approved", "secrets")


def tightening(document: Document, folder: Path, *, who: str) -> Written:
    """Raises ``DocumentError`` also where it would allow something."""
    written = read_written(document, folder)
    for loc in sorted(_allowing(written.pack, document), key=lambda loc: document.where(loc, key=True)):
        what = f"`{loc[0]}`" if len(loc) == 1 else f"a rule that says `{loc[-1]}`"
        raise document.error(
            f"{what} is not for {who} to say: its policy may only make things stricter",
            loc[:1] if len(loc) == 1 else loc[:2],
            key=len(loc) == 1,
            hint="put it into the policy the task names, or your own",
        )
    return replace(written, only_tightens=True)


def _allowing(pack: Pack, document: Document) -> Iterator[Loc]:
    yield from ((key,) for key in _LOOSER if key in document.data)
    yield from (("network", at, "allow") for at, rule in enumerate(pack.network or ()) if rule.verdict == "allow")
    # What no rule speaks of is for review: who accepts it makes that less.
    yield from (("judge", at, "accept") for at, rule in enumerate(pack.judge) if rule.verdict == "accept")


def refuse_late(written: Written, origin: str) -> None:
    """What a sandbox is built with cannot be had in the middle of a session. Raises ``DocumentError``."""
    document = written.document
    for loc in sorted(_BUILT, key=len):
        place: object = document.data
        for key in loc:
            place = place.get(key) if isinstance(place, Mapping) else None
        if place is not None:
            raise document.error(
                f"`{'.'.join(loc)}` is too late: that is set up when a session is opened",
                loc,
                key=True,
                hint="put it into the policy the task names, your own, or the workspace's",
            )


def document_of(rules: Mapping[str, object], origin: str) -> Document:
    """Rules that came with a session. Of what stood in no file, lines and columns are those of it as YAML.

    Raises ``UsageError`` for what is no plain data.
    """
    if isinstance(rules, Section):
        return Document(origin, rules, rules.at)
    from ruamel.yaml import YAML

    from agentrt._yaml import compose

    writer, text = YAML(typ="safe", pure=True), io.StringIO()
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # declared as None
    try:
        writer.dump(json.loads(json.dumps(rules)), text)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{origin}: rules are texts, numbers, lists and mappings: {error}") from None
    return compose(origin, text.getvalue())
