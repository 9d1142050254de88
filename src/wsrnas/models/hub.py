"""A classifier that Hugging Face's hub knows how to keep: its own mixin, with strict loading and no pickles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from huggingface_hub import PyTorchModelHubMixin, hf_hub_download
from safetensors.torch import save

from wsrnas.files import write_atomic
from wsrnas.models.classifier import Classifier
from wsrnas.models.description import Description
from wsrnas.models.size import check_size
from wsrnas.weights import load_weights
from wsrnas.weights.find import checked
from wsrnas.weights.hub import CONFIG, WEIGHTS


class HubClassifier(Classifier, PyTorchModelHubMixin, library_name="wsrnas"):
    """``HubClassifier.from_pretrained("user/name")`` builds what config.json describes and loads its weights.

    The same as `wsrnas.load("user/name")`, for programs that know the mixin. A name that is missing or left over in the
    weights is refused, whatever `strict` says, and weights in other files than model.safetensors are not looked at.
    """

    def __init__(self, *, described: dict[str, Any]) -> None:
        description = Description.from_dict(described, source=CONFIG)
        super().__init__(
            description.network.build(),
            class_names=description.class_names,
            preprocessing=description.preprocessing,
            description=description,
            **description.network.contract(),
        )

    def _save_pretrained(self, save_directory: Path) -> None:
        """Write the network's tensors under its own names."""
        tensors = {name: tensor.cpu().contiguous() for name, tensor in self.network.state_dict().items()}
        write_atomic(save_directory / WEIGHTS, save(tensors, metadata={"format": "pt"}))

    @classmethod
    def _from_pretrained(
        cls,
        *,
        model_id: str,
        revision: str | None,
        cache_dir: str | Path | None,
        force_download: bool,
        local_files_only: bool,
        token: str | bool | None,
        map_location: str = "cpu",
        strict: bool = True,
        **model_kwargs: Any,
    ) -> HubClassifier:
        """Build what was described and load its weights, always strictly."""
        described = checked(model_kwargs.get("described"), source=f"{model_id}: {CONFIG}")
        file = Path(model_id) / WEIGHTS
        if not file.parent.is_dir():
            fetched = hf_hub_download(
                model_id,
                WEIGHTS,
                revision=revision,
                cache_dir=cache_dir,
                force_download=force_download,
                local_files_only=local_files_only,
                token=token,
            )
            file = Path(str(fetched))
        check_size(Description.from_dict(described, source=CONFIG).network, file, source=CONFIG)
        model = cls(described=described)
        load_weights(model.network, file)
        return model.to(map_location).eval()
