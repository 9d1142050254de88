"""Networks on a Hugging Face hub: fetched through its own client, which keeps what it has fetched."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from wsrnas.errors import InputError

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
CARD = "README.md"
HUB_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*(@[\w][\w./-]*)?")


def is_hub_id(text: str) -> bool:
    """Return whether a text may name a model on a hub, ``user/name`` or ``user/name@revision``, rather than a file.

    What begins with a folder that exists here is a path, though a wrong one.
    """
    return HUB_ID.fullmatch(text) is not None and not Path(text.split("/")[0]).exists()


def fetch(hub_id: str, *, argument: str = "model") -> Path:
    """Return a local folder with a model's description and weights; nothing else is fetched, nothing is run.

    Raises:
        InputError: no such model, one that was not made by wsrnas, no access, or no connection.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    name, _, revision = hub_id.partition("@")
    try:
        for file in (CONFIG, WEIGHTS):
            place = hf_hub_download(name, file, revision=revision or None, local_files_only=_is_offline())
        return Path(place).parent
    except GatedRepoError as error:
        remedy = "ask for access on its page, and log in with `hf auth login`"
        raise InputError(f"{argument}: the model {hub_id} is gated; {remedy}") from error
    except RevisionNotFoundError as error:
        raise InputError(f"{argument}: the model {name} has no revision {revision}; check its history") from error
    except RepositoryNotFoundError as error:
        remedy = "check the spelling; a private one needs `hf auth login`"
        raise InputError(f"{argument}: no file or folder here and no model on the hub is {hub_id}; {remedy}") from error
    except LocalEntryNotFoundError as error:
        remedy = "check the path; to fetch it from a hub, check the connection"
        raise InputError(
            f"{argument}: no file or folder here is {hub_id}, and the hub cannot be reached; {remedy}"
        ) from error
    except EntryNotFoundError as error:
        expected = f"expected {CONFIG} and {WEIGHTS}"
        remedy = "is it a model that `wsrnas push` made?"
        raise InputError(f"{argument}: {expected}, got {hub_id} on the hub, without one of them; {remedy}") from error
    except Exception as error:  # the hub's client has changed the library under it, and with it what that raises
        reason = " ".join(str(error).split())[:200]
        remedy = "check the path, or the name and the connection"
        raise InputError(f"{argument}: {hub_id} cannot be fetched from the hub ({reason}); {remedy}") from error


def _is_offline() -> bool:
    """Return whether the hub's name leads nowhere: its client would try for half a minute before it says so."""
    from huggingface_hub import constants

    host = urlsplit(constants.ENDPOINT).hostname
    if host is None or getproxies():
        return False
    try:
        socket.getaddrinfo(host, None)
    except socket.gaierror:
        return True
    return False
