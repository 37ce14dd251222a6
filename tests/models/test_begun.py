"""What several pictures have in common is made once, and they are the pictures that they were."""

from __future__ import annotations

import pytest
import torch

from psp.inference.decoders import sharing
from psp.models.encoder import EncoderConfig
from psp.models.generator import Generator, GeneratorConfig
from psp.models.generators import AnyGenerator
from psp.models.mobile import MobileConfig, MobileGenerator
from psp.models.psp import PSP, PSPConfig

_STYLEGAN2 = GeneratorConfig(size=64, style_dim=16, n_mlp=1, channels=(16, 16, 16, 8, 8))
_MOBILE = MobileConfig(size=64, style_dim=16, n_mlp=1, channels=(16, 16, 16, 8))


@pytest.fixture(params=["stylegan2", "mobile"])
def generator(request: pytest.FixtureRequest) -> AnyGenerator:
    torch.manual_seed(3)
    made: AnyGenerator = Generator(_STYLEGAN2) if request.param == "stylegan2" else MobileGenerator(_MOBILE)
    return made.eval().requires_grad_(False)


@pytest.mark.parametrize("layers", range(12))
@pytest.mark.parametrize("lean", [True, False])
def test_pictures_go_on_from_what_they_have_in_common(
    generator: AnyGenerator, layers: int, lean: bool
) -> None:
    codes = torch.randn(3, generator.config.n_codes, 16)
    codes[:, :layers] = codes[:1, :layers]
    with torch.set_grad_enabled(not lean):
        begun = generator.begin(codes[:1], layers)
        for _ in range(2):  # what they have in common stays as it is
            for each in codes.split(1):
                assert torch.equal(generator(each, begun=begun), generator(each))
        assert torch.allclose(generator(codes, begun=begun), generator(codes), atol=1e-5)


def test_what_is_added_comes_after_what_is_begun() -> None:
    torch.manual_seed(3)
    generator = MobileGenerator(_MOBILE).eval().requires_grad_(False)
    codes = torch.randn(1, _MOBILE.n_codes, 16)
    added = {16: torch.randn(1, 16, 16, 16), 32: torch.randn(1, 8, 32, 32)}
    with torch.inference_mode():
        begun = generator.begin(codes, 7)
        assert begun is not None and begun.x.shape[-1] == 16
        assert torch.equal(generator(codes, None, added, begun), generator(codes, None, added))
        assert begun.fits(codes) and not begun.fits(codes + 1)
        codes[:, 7:] += 1
        assert begun.fits(codes)


def test_what_is_shared_counts_whole_blocks(generator: AnyGenerator) -> None:
    codes = torch.randn(1, generator.config.n_codes, 16)
    needed = 4  # 4 px and one doubling, with StyleGAN2's picture after it
    assert generator.begin(codes, needed - 1) is None
    begun = generator.begin(codes, needed)
    assert begun is not None and begun.blocks == 1 and begun.x.shape[-1] == 8
    whole = generator.begin(codes, generator.config.n_codes)
    assert whole is not None and whole.x.shape[-1] in (32, 64)


def test_variants_make_their_common_layers_once(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(3)
    encoder = EncoderConfig(in_size=64, n_codes=10, code_dim=16, coarse=1, medium=2, style_width=16)
    psp = PSP(PSPConfig(encoder, _STYLEGAN2)).eval().requires_grad_(False)
    variants = torch.randn(5, 10, 16)
    variants[:, :6] = variants[:1, :6]
    calls = []
    real = psp.decoder.conv1.forward  # type: ignore[union-attr]  # a StyleGAN2
    monkeypatch.setattr(psp.decoder.conv1, "forward", lambda *given: calls.append(1) or real(*given))  # type: ignore[union-attr,func-returns-value]  # a StyleGAN2; counts
    with torch.inference_mode():
        decode = sharing(psp, variants)
        made = [decode(each) for each in variants.split(1)]
        assert len(calls) == 1
        assert all(torch.equal(a, psp.decode(b)) for a, b in zip(made, variants.split(1), strict=True))
