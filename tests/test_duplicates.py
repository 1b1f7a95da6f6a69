"""Near-duplicates on drawn images, and the search for them against a plain loop."""

import io
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw

from s2m import S2MError
from s2m.duplicates import BITS, COSINE, find_repeats, hash_photos


def draw(seed: int) -> Image.Image:
    """Some discs of random colours: no two seeds alike."""
    rng = np.random.default_rng(seed)
    photo = Image.new("RGB", (160, 120), tuple(rng.integers(256, size=3).tolist()))
    for x, y, radius, *colour in rng.integers([0, 0, 10, 0, 0, 0], [160, 120, 50, 256, 256, 256], (8, 6)).tolist():
        ImageDraw.Draw(photo).circle((x, y), radius, fill=tuple(colour))
    return photo


def saved(photo: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


@pytest.mark.parametrize(
    ("kind", "copy"),
    [
        ("saved again", lambda photo: saved(photo, 30)),
        ("scaled", lambda photo: photo.resize((96, 72))),
        ("cropped by 2 % at each side", lambda photo: photo.crop((3, 2, 157, 118))),
    ],
)
def test_copies_keep_the_hash_and_other_images_do_not(kind: str, copy) -> None:
    pytest.importorskip("imagehash")
    photos = [draw(seed) for seed in range(12)]
    bits = (hash_photos(map(copy, photos))[:, None] != hash_photos(photos)).sum(axis=2)
    assert (bits.diagonal() <= BITS).all()
    others = bits[~np.eye(12, dtype=bool)]
    # unrelated hashes differ in 32 +- 4 bits: 16 is 4 standard deviations away
    assert (others > BITS).all()
    assert others.mean() == pytest.approx(32, abs=2)


def test_the_search_is_the_plain_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s2m.duplicates.CHUNK", 4)  # 4 + 4 + 2: a chunk that is not full too
    rng = np.random.default_rng(0)
    hashes, descriptors = rng.random((30, 64)) < 0.5, rng.normal(size=(30, 5))
    web_hashes = hashes[:10] ^ (rng.random((10, 64)) < 0.15)
    web_descriptors = 3 * descriptors[:10] + rng.normal(size=(10, 5))
    repeats = find_repeats(web_hashes, web_descriptors, hashes, descriptors, bits=12, cosine=0.9)
    assert 0 < repeats.found.sum() < 10
    for i in range(10):
        bits = [int((web_hashes[i] != other).sum()) for other in hashes]
        cosines = [
            float(other @ web_descriptors[i] / np.linalg.norm(other) / np.linalg.norm(web_descriptors[i]))
            for other in descriptors
        ]
        passing = [j for j in range(30) if bits[j] <= 12 and cosines[j] >= 0.9]
        closest = max(passing or range(30), key=lambda j: cosines[j])
        assert (repeats.found[i], repeats.image[i], repeats.bits[i]) == (bool(passing), closest, bits[closest])
        assert repeats.cosine[i] == pytest.approx(cosines[closest], abs=1e-6)  # float32


@pytest.mark.parametrize(("flipped", "turned", "same"), [(16, 0.76, True), (17, 0.76, False), (16, 0.74, False)])
def test_both_tests_must_agree(flipped: int, turned: float, same: bool) -> None:
    hashes, descriptors = np.zeros((1, 64), dtype=bool), np.array([[1.0, 0]])
    other = np.arange(64)[None] < flipped
    repeats = find_repeats(other, np.array([[turned, np.sqrt(1 - turned**2)]]), hashes, descriptors)
    assert (BITS, COSINE) == (16, 0.75)
    assert repeats.found.tolist() == [same]
    assert (repeats.image[0], repeats.bits[0]) == (0, flipped)
    assert repeats.cosine[0] == pytest.approx(turned)


def test_no_web_images_repeat_nothing_and_zeros_are_like_nothing() -> None:
    hashes, descriptors = np.zeros((2, 64), dtype=bool), np.ones((2, 3))
    assert len(find_repeats(hashes[:0], descriptors[:0], hashes, descriptors).found) == 0
    repeats = find_repeats(hashes, 0 * descriptors, hashes, descriptors)
    assert not repeats.found.any()
    assert not repeats.cosine.any()


def test_what_cannot_be_compared_is_refused() -> None:
    hashes, descriptors = np.zeros((2, 64), dtype=bool), np.ones((2, 3))
    with pytest.raises(S2MError, match="the collection has no images: give at least one"):
        find_repeats(hashes, descriptors, hashes[:0], descriptors[:0])
    with pytest.raises(S2MError, match=r"web images are int64 .*: give bool"):
        find_repeats(hashes.astype(np.int64), descriptors, hashes, descriptors)
    with pytest.raises(S2MError, match=r"2 hashes and descriptors \(1, 3\) of the images of the collection"):
        find_repeats(hashes, descriptors, hashes, descriptors[:1])
    with pytest.raises(S2MError, match="of 2 and of 3 numbers cannot be compared: describe both sets by one network"):
        find_repeats(hashes, descriptors[:, :2], hashes, descriptors)
    with pytest.raises(S2MError, match="of the web images is not finite: leave that image out"):
        find_repeats(hashes, descriptors * np.nan, hashes, descriptors)


def test_a_missing_package_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imagehash", None)
    with pytest.raises(S2MError, match=r"imagehash is missing: pip install 's2m\[web\]'"):
        hash_photos([])
