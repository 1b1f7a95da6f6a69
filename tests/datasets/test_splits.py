"""The committed splits, and the script that writes them."""

from itertools import combinations

import make_photo_splits
import make_splits
import numpy as np
import pytest

from s2m.datasets import Characters, by_alphabet, generate_characters, load_split, split_characters
from s2m.datasets.splits import PARTS, SPLITS
from s2m.errors import S2MError


def test_committed_files_are_what_the_script_writes() -> None:
    written = make_splits.splits()
    assert set(written) == {f"{split}-{part}" for split in SPLITS for part in PARTS}
    photos = make_photo_splits.splits()
    assert {path.stem for path in make_splits.FOLDER.iterdir()} == written.keys() | photos.keys()
    for name, characters in written.items():
        assert (make_splits.FOLDER / f"{name}.txt").read_text() == "\n".join(characters) + "\n"


def test_the_script_writes_them(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(make_splits, "FOLDER", tmp_path / "splits")
    make_splits.main()
    assert "paper-train: 1100 characters" in capsys.readouterr().out
    assert (tmp_path / "splits" / "paper-test.txt").read_text().split() == list(load_split("paper", "test"))


def test_the_order_depends_on_the_seed_alone() -> None:
    names = [f"a{number}" for number in range(50)]
    assert make_splits.shuffled(names) == make_splits.shuffled(names[::-1])
    assert make_splits.shuffled(names) != make_splits.shuffled(names, seed=1)


@pytest.mark.parametrize("split", SPLITS)
def test_parts_are_disjoint_and_sorted(split: str) -> None:
    parts = [load_split(split, part) for part in PARTS]
    for one, other in combinations(parts, 2):
        assert not set(one) & set(other)
    for names in parts:
        assert list(names) == sorted(set(names))


def test_sizes() -> None:
    assert (sum(make_splits.BACKGROUND.values()), sum(make_splits.EVALUATION.values())) == (964, 659)
    assert [len(load_split("paper", part)) for part in PARTS] == [1100, 100, 423]
    assert sum(len(load_split("official", part)) for part in ("train", "validation")) == 964
    assert len(load_split("official", "test")) == 659


def test_official_and_within_alphabet_keep_alphabets_whole() -> None:
    for split in ("official", "within-alphabet"):
        groups = [by_alphabet(load_split(split, part)) for part in PARTS]
        for one, other in combinations(groups, 2):
            assert not one.keys() & other.keys()
        for group in groups:
            assert {alphabet: len(names) for alphabet, names in group.items()}.items() <= make_splits.SIZES.items()
        assert groups[2].keys() <= make_splits.EVALUATION.keys()
        assert len(groups[1]) >= 3


def test_within_alphabet_has_room_for_twenty_ways() -> None:
    for part in PARTS:
        groups = by_alphabet(load_split("within-alphabet", part))
        assert min(len(names) for names in groups.values()) >= 20
        assert set(load_split("within-alphabet", part)) <= set(load_split("official", part))


def test_unknown_names_are_told_what_there_is() -> None:
    with pytest.raises(S2MError, match="choose paper, official, within-alphabet"):
        load_split("vinyals", "train")
    with pytest.raises(S2MError, match="choose train, validation, test"):
        load_split("paper", "dev")


def test_omniglot_is_split_by_name() -> None:
    names = tuple(make_splits.characters(make_splits.SIZES))
    images = np.zeros((len(names), 1, 2, 2), np.uint8)
    images[:, 0, 0, 0] = np.arange(len(names)) % 251
    omniglot = Characters(images, names, "Omniglot")
    for split in SPLITS:
        for part in PARTS:
            chosen = split_characters(omniglot, split, part)
            assert chosen.names == load_split(split, part)
            assert chosen.images[3, 0, 0, 0] == names.index(chosen.names[3]) % 251


@pytest.mark.parametrize("split", SPLITS)
def test_generated_characters_are_split_in_the_papers_proportions(split: str) -> None:
    letters = generate_characters(classes=60, drawings=1)
    parts = [split_characters(letters, split, part) for part in PARTS]
    assert [len(part) for part in parts] == [41, 3, 16]
    assert sum((part.names for part in parts), ()) == letters.names
    assert parts[2].source == "generated characters"


def test_too_few_characters_to_split() -> None:
    with pytest.raises(S2MError, match="too few for a validation part"):
        split_characters(generate_characters(classes=4, drawings=1), "paper", "validation")
    with pytest.raises(S2MError, match="no split 'other'"):
        split_characters(generate_characters(classes=4, drawings=1), "other", "train")
