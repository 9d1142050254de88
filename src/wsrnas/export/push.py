"""What `wsrnas push` calls: an export for the hub, uploaded through the hub's own client."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsrnas.errors import InputError, refuse
from wsrnas.export.run import Exported, export
from wsrnas.weights.hub import HUB_ID


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """Where a network was uploaded to, and how it was compared with the original before."""

    name: str
    url: str
    exported: Exported

    def __str__(self) -> str:
        return f"pushed: {self.url}\ncompared on {self.exported.images}: {self.exported.parity}"


def push(
    run: str | Path,
    name: str,
    *,
    private: bool = False,
    licence: str = "",
    message: str = "A network of wsrnas",
    token: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> Pushed:
    """Upload a network with its card to a Hugging Face hub; `wsrnas.load(name)` gets it back anywhere.

    Args:
        run: as for `export`.
        name: ``user/name``; made where it does not exist.
        private: whether a new one is private.
        licence: an SPDX name for the card, such as ``mit``.
        message: of the commit.
        token: for the hub; None takes the one that `hf auth login` stored, or the variable HF_TOKEN.
        data: settings of the data to compare on that differ from the run's.

    Raises:
        InputError: what `export` refuses, a name that is none, no permission, or no connection.
    """
    if HUB_ID.fullmatch(name) is None or "@" in name:
        refuse("NAME", expected="user/name on the hub", got=repr(name), remedy="such as ada/wsrnet-photos")
    from huggingface_hub import HfApi
    from huggingface_hub.errors import LocalTokenNotFoundError

    api = HfApi(token=token)
    with tempfile.TemporaryDirectory(prefix="wsrnas-push-") as temporary:
        folder = Path(temporary) / name.split("/")[1]
        exported = export(run, "hub", out=folder, licence=licence, data=data)
        try:
            made = api.create_repo(name, private=private, exist_ok=True)
            api.upload_folder(repo_id=name, folder_path=folder, commit_message=message)
        except LocalTokenNotFoundError as error:
            raise InputError("push: nobody is logged in; `hf auth login`, or set HF_TOKEN") from error
        except Exception as error:  # its client has changed the library under it, and with it what that raises
            reason = " ".join(str(error).split())[:300]
            remedy = "check the name, the connection and `hf auth whoami`; nothing is lost here"
            raise InputError(f"push: {name} was not uploaded ({reason}); {remedy}") from error
    return Pushed(name=name, url=str(made), exported=exported)
