"""pSp as a whole: averages, mixing, shapes, the kinds of encoder."""

from __future__ import annotations

import pytest
import torch

from psp.errors import PspError
from psp.models.encoder import EncoderKind
from tests.compact import compact_config, compact_model

IMAGES = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize("kind", ["gradual", "e4e", "w", "w_plus"])
def test_every_encoder_makes_codes_that_the_generator_takes(kind: EncoderKind) -> None:
    model = compact_model(compact_config(kind))
    with torch.inference_mode():
        codes = model.encode(IMAGES)
        assert codes.shape == (2, 8, 32)
        assert model.decode(codes).shape == (2, 3, 32, 32)


def test_the_average_code_is_added() -> None:
    model = compact_model()
    with torch.inference_mode():
        before = model.encode(IMAGES)
        model.latent_avg += 1.5
        torch.testing.assert_close(model.encode(IMAGES), before + 1.5)


def test_e4e_adds_offsets_to_the_first_code() -> None:
    plain, offsets = compact_model(compact_config("gradual")), compact_model(compact_config("e4e"))
    offsets.load_state_dict(plain.state_dict())
    with torch.inference_mode():
        a, b = plain.encode(IMAGES), offsets.encode(IMAGES)
    torch.testing.assert_close(b[:, 0], a[:, 0])
    torch.testing.assert_close(b[:, 1:], a[:, 1:] + a[:, :1])


def test_decoding_is_a_function() -> None:
    model = compact_model()
    with torch.inference_mode():
        codes = model.encode(IMAGES)
        assert torch.equal(model.decode(codes), model.decode(codes))


def test_a_picture_does_not_depend_on_its_batch() -> None:
    model = compact_model()
    with torch.inference_mode():
        torch.testing.assert_close(model(IMAGES)[1:], model(IMAGES[1:]), rtol=1e-4, atol=1e-5)


def test_decoding_can_stop_at_a_lower_resolution() -> None:
    model = compact_model()
    with torch.inference_mode():
        assert model.decode(model.encode(IMAGES), max_size=16).shape == (2, 3, 16, 16)


def test_mixing_blends_the_chosen_layers_and_leaves_its_input_alone() -> None:
    model = compact_model()
    codes, w = torch.zeros(2, 8, 32), torch.ones(2, 32)
    mixed = model.mix(codes, w, (5, 7), alpha=0.25)
    assert mixed[:, [5, 7]].eq(0.25).all()
    assert mixed[:, [0, 1, 2, 3, 4, 6]].eq(0).all()
    assert codes.eq(0).all()


def test_each_layer_can_be_blended_by_a_share_of_its_own() -> None:
    model = compact_model()
    generator = torch.Generator().manual_seed(1)
    codes, w = (torch.randn(2, 8, 32, generator=generator) for _ in range(2))
    mixed = model.mix(codes, w, [5, 7], [0.25, 1.0])
    assert torch.equal(mixed[:, 5], 0.25 * w[:, 5] + 0.75 * codes[:, 5])
    assert torch.equal(mixed[:, 7], w[:, 7])
    assert torch.equal(model.mix(codes, w, [5, 7], [0.3, 0.3]), model.mix(codes, w, (5, 7), 0.3))
    old = 0.3 * w[:, [5]] + (1.0 - 0.3) * codes[:, [5]]  # to the bit what results were made with
    assert torch.equal(model.mix(codes, w, (5,), 0.3)[:, [5]], old)
    assert torch.equal(model.mix(codes, w, [], []), codes)


def test_random_styles_need_a_mapping_network() -> None:
    z = torch.randn(2, 32, generator=torch.Generator().manual_seed(0))
    assert compact_model().map(z).shape == (2, 32)
    with pytest.raises(PspError, match="mapping network"):
        compact_model(compact_config(n_mlp=0)).map(z)
