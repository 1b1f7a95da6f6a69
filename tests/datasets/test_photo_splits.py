"""The committed splits of the photograph sets, and the script that writes them."""

from itertools import combinations

import make_photo_splits
import pytest
from photo_classes import CALTECH, FLOWERS, GROCERY

from s2m.datasets import QUERY_CLASSES, load_foreign, load_split, split_characters
from s2m.datasets.generated import generate_characters
from s2m.datasets.splits import PARTS, PHOTO_SPLITS
from s2m.errors import S2MError

FINE = [name for names in GROCERY.values() for name in names]


def test_committed_files_are_what_the_script_writes(tmp_path, monkeypatch) -> None:
    committed = make_photo_splits.FOLDER
    monkeypatch.setattr(make_photo_splits, "FOLDER", tmp_path / "splits")
    make_photo_splits.main()
    written = {path.name: path.read_bytes() for path in (tmp_path / "splits").iterdir()}
    assert len(written) == 11
    for name, content in written.items():
        assert (committed / name).read_bytes() == content


@pytest.mark.parametrize(
    ("split", "names", "sizes"),
    [
        ("flowers102", FLOWERS, [68, 12, 22]),
        ("caltech101", CALTECH, [64, 13, 22]),
        ("grocery_store", FINE, [49, 10, 22]),
    ],
)
def test_every_class_is_in_one_part(split: str, names: list[str], sizes: list[int]) -> None:
    parts = [load_split(split, part) for part in PARTS]
    assert [len(part) for part in parts] == sizes
    assert sorted(sum(parts, ())) == sorted(set(names))
    assert all(list(part) == sorted(part) for part in parts)


def test_kin_stay_together() -> None:
    families = [set(fine) for fine in GROCERY.values()] + [
        set(each) for each in make_photo_splits.caltech_groups().values()
    ]
    assert {"cougar_body", "cougar_face"} in families
    for split in ("grocery_store", "caltech101"):
        for one, other in combinations([set(load_split(split, part)) for part in PARTS], 2):
            assert not any(family & one and family & other for family in families)


def test_what_web_queries_ask_for_is_in_the_test() -> None:
    assert len(QUERY_CLASSES) == 9
    assert set(QUERY_CLASSES.values()) <= set(load_split("grocery_store", "test"))


def test_foreign_images_are_halved() -> None:
    train, test = load_foreign("train"), load_foreign("test")
    assert len(train) == len(test) == 30
    assert len({*train, *test}) == 60
    with pytest.raises(S2MError, match="no part of the foreign images 'validation': choose train, test"):
        load_foreign("validation")


def test_characters_have_no_split_of_photographs() -> None:
    assert "flowers102" in PHOTO_SPLITS
    with pytest.raises(S2MError, match="no split 'flowers102': choose paper"):
        split_characters(generate_characters(classes=2, drawings=1), "flowers102", "train")
