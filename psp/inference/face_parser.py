"""Who maps a photo by the 19 face classes: SegFormer, where it can be had, else the compact network.

SegFormer (Xie et al., NeurIPS 2021, size B5) trained on CelebAMask-HQ needs the package ``transformers`` and
a file of 340 MB, so it is optional. The compact network (``psp.inference.compact_parser``) comes along and
sees hats, glasses and earrings too; landmarks and colour (``psp.maps.landmark_parser``) do not, and are used
where they are asked for.
"""

from __future__ import annotations

import importlib.util
import logging
import threading
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from PIL import Image

from psp.config import Settings
from psp.errors import CheckpointError, SettingsError
from psp.inference.compact_parser import map_face
from psp.maps.landmark_parser import photo_to_map
from psp.maps.palette import CLASSES, Labels
from psp.registry.lookup import AUXILIARY, file_on_disk

if TYPE_CHECKING:
    import torch

__all__ = ["FaceParser", "Parser"]

Parser: TypeAlias = Literal["compact", "landmarks", "segformer"]

_log = logging.getLogger(__name__)

_ENTRY = AUXILIARY["face-parsing"]
# Pixels a side, and the mean and deviation of ImageNet's colours: what the network was trained with.
_SIDE = 512
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Table 7 of the paper, B5.
_B5 = {
    "num_channels": 3,
    "depths": [3, 6, 40, 3],
    "hidden_sizes": [64, 128, 320, 512],
    "num_attention_heads": [1, 2, 5, 8],
    "sr_ratios": [8, 4, 2, 1],
    "patch_sizes": [7, 3, 3, 3],
    "strides": [4, 2, 2, 2],
    "mlp_ratios": [4, 4, 4, 4],
    "decoder_hidden_size": 768,
    "num_labels": len(CLASSES),
}
_INSTALL = "Run: pip install transformers; or set PSP_FACE_PARSER=compact."


class FaceParser:
    """Maps faces with the parser that the settings ask for; safe to call from several threads.

    Args:
        settings: ``face_parser`` is "compact", "landmarks", "segformer" (its weights are downloaded if need
            be) or "auto": SegFormer where its package is installed and its weights are on this machine, else
            the compact network.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._network: Any = None  # transformers is optional, so its types are not known
        self._lock = threading.Lock()

    def choose(self) -> Parser:
        """Return the parser that :meth:`map` will use.

        Raises:
            SettingsError: SegFormer is asked for, but ``transformers`` is not installed.
        """
        wish = self._settings.face_parser
        if wish == "landmarks":
            return "landmarks"
        if wish == "compact" or (wish == "auto" and file_on_disk(_ENTRY, self._settings) is None):
            return "compact"
        if importlib.util.find_spec("transformers") is not None:
            return "segformer"
        if wish == "segformer":
            raise SettingsError(
                "The face parser SegFormer needs the package transformers, which is not installed.", _INSTALL
            )
        _tell_what_is_missing()
        return "compact"

    def map(self, crop: Image.Image) -> tuple[Labels, Parser]:
        """Map an aligned face.

        Args:
            crop: A square face crop, aligned as FFHQ.

        Returns:
            uint8 [S,S] with values 0..18 for a crop of S pixels, and the parser that made it.

        Raises:
            PictureError: The crop is not square.
            CheckpointError: The weights of the network cannot be found, downloaded or used.
            PspError: Landmarks are asked for, and dlib or its model file is not installed.
        """
        parser = self.choose()
        makers = {"compact": map_face, "landmarks": photo_to_map, "segformer": self._segment}
        return makers[parser](crop), parser

    def _segment(self, crop: Image.Image) -> Labels:
        import torch  # noqa: PLC0415  (torch comes after the page)
        from torch.nn import functional as F  # noqa: PLC0415  (the field's name; torch comes late)

        seen = np.asarray(crop.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BILINEAR))
        pixels = torch.from_numpy(seen.astype(np.float32) / 255)
        pixels = (pixels - torch.tensor(_MEAN)) / torch.tensor(_DEVIATION)
        with self._lock, torch.inference_mode():
            self._network = self._network or self._load()
            scores: torch.Tensor = self._network(pixel_values=pixels.permute(2, 0, 1)[None]).logits
            scores = F.interpolate(scores, (crop.height, crop.width), mode="bilinear", align_corners=False)
        return np.asarray(scores[0].argmax(dim=0).to(torch.uint8).numpy(), dtype=np.uint8)

    def _load(self) -> Any:  # noqa: ANN401  (transformers is optional)
        """Return the network, on the CPU: it runs once a drawing, and a GPU may be lent by calls."""
        import transformers  # noqa: PLC0415  (optional)

        from psp.checkpoints.find import find_file  # noqa: PLC0415  (torch comes after the page)
        from psp.checkpoints.tensors import load_tensors  # noqa: PLC0415  (torch comes after the page)

        tensors, _ = load_tensors(find_file(_ENTRY, self._settings), mapped=False)
        # Its own loader, because version 5 of transformers has other names for the layers than the file.
        network, info = transformers.SegformerForSemanticSegmentation.from_pretrained(
            None,
            config=transformers.SegformerConfig(**_B5),
            state_dict=tensors,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
        if any(info[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")):
            raise CheckpointError(
                f"{_ENTRY.file} does not hold the face parser: other tensors than SegFormer B5 has.",
                f"Take it from {_ENTRY.page}, or set PSP_FACE_PARSER=compact.",
            )
        return network.eval().requires_grad_(False)


@cache
def _tell_what_is_missing() -> None:
    """Say it once."""
    _log.warning("SegFormer's weights are here, but not the package transformers. %s", _INSTALL)
