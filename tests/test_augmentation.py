"""Changed drawings: small changes, the same ones from the same chance, and the mean of nine."""

import numpy as np
import pytest
import torch

from s2m import Conv4, Set2Model, augmentation, generate_characters
from s2m.augmentation import SHIFT, NineLooks, jitter, moved
from s2m.embeddings import as_images


def drawings() -> torch.Tensor:
    return as_images(torch.from_numpy(generate_characters(classes=20, drawings=2).images).flatten(0, 1))


def test_the_same_chance_gives_the_same_images() -> None:
    one, same, other = (jitter(drawings(), np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_changes_are_small_and_differ() -> None:
    plain = drawings()
    changed = jitter(plain, np.random.default_rng(0))
    assert changed.min() >= 0
    assert changed.max() <= 1 + 1e-6  # interpolation only rounds
    moved = centre(changed) - centre(plain)
    # The centre of ink moves by the shift, and by at most a tenth and ten degrees of its distance to the middle.
    assert moved.abs().max() < 28 * SHIFT + 3
    assert moved.std() > 0.5
    assert len(jitter(plain[:1].expand(10, -1, -1, -1), np.random.default_rng(0)).unique(dim=0)) == 10


def test_a_shift_moves_by_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but a shift of a quarter of the side, up and to the left: 7 of 28 pixels."""

    class Most:
        def uniform(self, low: float, high: float, shape: tuple[int, int]) -> np.ndarray:
            return np.full(shape, high)

    for name, value in {"DEGREES": 0, "SCALE": 0, "SHIFT": 0.25}.items():
        monkeypatch.setattr(augmentation, name, value)
    image = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    expected = torch.zeros_like(image)
    expected[..., :21, :21] = image[..., 7:, 7:]
    torch.testing.assert_close(jitter(image, Most()), expected, rtol=0, atol=1e-5)  # interpolation in float32


def test_nine_looks_are_the_drawing_and_eight_others() -> None:
    plain = drawings()[:6]
    network = NineLooks(torch.nn.Flatten())
    amounts = [np.zeros(4)] + [sign * row for sign in (1, -1) for row in np.eye(4)]
    looks = torch.stack([torch.cat([moved(image[None], each[:, None]) for image in plain]) for each in amounts])
    torch.testing.assert_close(network.looks(plain), looks)
    torch.testing.assert_close(network(plain), looks.flatten(2).mean(0))
    torch.testing.assert_close(looks[0], plain, rtol=0, atol=1e-5)  # interpolation in float32
    assert len(looks[:, 0].unique(dim=0)) == 9
    # Either way by as much: what is left of the shifts is a blur about the same centre.
    torch.testing.assert_close(centre(looks[[3, 4, 7, 8]].mean(0)), centre(plain), rtol=0, atol=0.1)


def test_a_network_that_looks_nine_times_still_gives_unit_descriptors() -> None:
    network = Set2Model(Conv4()).eval()
    network.embedding = NineLooks(network.embedding)
    assert network.embedding.size == 64
    lengths = network.describe(drawings()).norm(dim=1)
    torch.testing.assert_close(lengths, torch.ones_like(lengths))


def centre(images: torch.Tensor) -> torch.Tensor:
    """(B, 2): the centre of ink, in pixels."""
    places = torch.stack(torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij"), -1)
    return (images.squeeze(1).unsqueeze(-1) * places).sum((1, 2)) / images.sum((1, 2, 3)).unsqueeze(1)
