"""The scripts of the photograph sets: miniatures in the official layouts, and the real sets where they are at hand."""

import io
import os
import tarfile
import zipfile
from pathlib import Path

import caltech101
import flowers102
import google_web
import grocery_store
import imagenet
import numpy as np
import pytest
import rgbd_object
from photo_packing import Recipe, main
from PIL import Image
from scipy.io import savemat

from s2m.datasets import QUERY_CLASSES, load_foreign, load_photos, load_split
from s2m.datasets.splits import PARTS, PHOTO_SPLITS
from s2m.errors import S2MError
from s2m.images import read_photo


def picture(shade: int, format: str = "JPEG") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 6), (shade, shade, shade)).save(stream, format)
    return stream.getvalue()


def tar(content: dict[str, bytes], mode: str = "w") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for name, data in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def write_zip(path: Path, content: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def read(recipe: Recipe, folder: Path) -> list[tuple[str, str, str, str]]:
    return [(photo.path, photo.label, photo.rank, photo.group) for photo in recipe.read(folder)]


def test_flowers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["jpg/image_00001.jpg", "jpg/image_00002.jpg", "jpg/image_00003.jpg", "jpg/notes.txt"]
    (tmp_path / "102flowers.tgz").write_bytes(tar(dict.fromkeys(names, b""), "w:gz"))
    savemat(tmp_path / "imagelabels.mat", {"labels": np.array([[77, 1]], np.uint8)})
    with pytest.raises(S2MError, match=r"imagelabels.mat is not what its authors publish"):
        read(flowers102.RECIPE, tmp_path)
    monkeypatch.setattr(flowers102, "LABELS_ARE_RIGHT", lambda path: None)
    assert read(flowers102.RECIPE, tmp_path) == [
        ("images/077/image_00001.jpg", "passion flower", "", ""),
        ("images/001/image_00002.jpg", "pink primrose", "", ""),
    ]


def test_caltech(tmp_path: Path) -> None:
    names = ["ant/image_0001.jpg", "ant/image_0061.jpg", "Faces/image_0001.jpg", "BACKGROUND_Google/image_0060.jpg"]
    inner = tar({f"101_ObjectCategories/{name}": b"" for name in [*names, "BACKGROUND_Google/tmp"]}, "w:gz")
    write_zip(tmp_path / caltech101.ARCHIVE, {caltech101.INSIDE: inner})
    assert read(caltech101.RECIPE, tmp_path) == [
        ("images/ant/image_0001.jpg", "ant", "", ""),
        ("images/BACKGROUND_Google/image_0060.jpg", "BACKGROUND_Google", "", ""),
    ]
    for content in (
        {"other": b""},
        {caltech101.INSIDE: inner[:50]},
        {caltech101.INSIDE: tar({"../ant/image_0001.jpg": b""})},
    ):
        write_zip(tmp_path / caltech101.ARCHIVE, content)
        with pytest.raises(S2MError, match=r"not a whole archive of Caltech-101|outside its folder"):
            read(caltech101.RECIPE, tmp_path)


def test_grocery(tmp_path: Path) -> None:
    names = ["train/Fruit/Pear/Anjou/Anjou_001.jpg", "val/Fruit/Lime/Lime_001.jpg", "classes.csv"]
    names += ["iconic-images-and-descriptions/Fruit/Lime/Lime_Iconic.jpg"]
    write_zip(tmp_path / grocery_store.ARCHIVE, {f"GroceryStoreDataset-1/dataset/{name}": b"" for name in names})
    assert read(grocery_store.RECIPE, tmp_path) == [
        ("images/train/Fruit/Pear/Anjou/Anjou_001.jpg", "Anjou", "", "Pear"),
        ("images/val/Fruit/Lime/Lime_001.jpg", "Lime", "", "Lime"),
    ]


def test_google(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google_web, "MOST_BYTES", 3)
    files = ["photo/lime/07. a lime.png", "test/Glass/12. glass.jpg", "top/lime/x.jpg"]
    content = {f"C-1/downloads/{name}": b"abc" for name in files}
    write_zip(
        tmp_path / google_web.ARCHIVE, {**content, "C-1/downloads/top/lime/1. large.jpg": b"abcd", "C-1/a.py": b""}
    )
    assert read(google_web.RECIPE, tmp_path) == [
        ("images/photo/lime/007.jpg", "lime/photo", "7", ""),
        ("images/top/glass/012.jpg", "glass/top", "12", ""),
    ]


CROPS = [f"apple/apple_{number}/apple_{number}_1_{frame}_crop.png" for number in (1, 2) for frame in range(1, 8)]
RGBD = {
    **{name: picture(20 * place, "PNG") for place, name in enumerate(CROPS)},
    "apple/apple_1/apple_1_1_1_depthcrop.png": b"",
    "apple/apple_1/apple_1_1_1_maskcrop.png": b"",
    "apple/apple_1/apple_1_1_1_loc.txt": b"",
}


@pytest.mark.parametrize("unpacked", [False, True])
def test_rgbd(tmp_path: Path, unpacked: bool) -> None:
    if unpacked:
        for name, data in RGBD.items():
            (tmp_path / "rgbd-dataset" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "rgbd-dataset" / name).write_bytes(data)
    else:
        (tmp_path / "apple.tar").write_bytes(tar(RGBD))
    assert main(rgbd_object.RECIPE, ["--source", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    images = load_photos("rgbd_object", tmp_path / "out")
    assert images.classes == ("apple",)
    assert [name.split("/")[-1] for name in images.files] == [
        f"apple_{number}_1_{frame}_crop.png" for number in (1, 2) for frame in (1, 6)
    ]
    assert read_photo(images.read(1)).getpixel((0, 0)) == (100, 100, 100)
    with zipfile.ZipFile(images.root) as archive:
        assert archive.read("index.csv").decode().splitlines()[-1].endswith(",apple_2")


def test_imagenet(tmp_path: Path) -> None:
    for synset in ("n00000001", "n00000002", "n00000003"):
        names = [f"{synset}_{number}.JPEG" for number in (1, 2)]
        (tmp_path / f"{synset}.tar").write_bytes(tar({name: picture(9) for name in names}))
    assert {label for _, label, _, _ in read(imagenet.RECIPE, tmp_path)} == {"n00000001", "n00000002", "n00000003"}
    (tmp_path / "synsets.txt").write_text("n00000003\nn00000001\n")
    assert main(imagenet.RECIPE, ["--source", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    images = load_photos("imagenet", tmp_path / "out")
    assert images.classes == ("n00000001", "n00000003")
    assert images.files[0] == "images/n00000001/n00000001_1.JPEG"
    for listed, cause in [
        ("n00000004", "has no n00000004.tar, which synsets.txt names"),
        ("../n00000001", "name each synset once, as n and 8 digits"),
        ("n00000001 n00000001", "name each synset once"),
    ]:
        (tmp_path / "synsets.txt").write_text(listed)
        with pytest.raises(S2MError, match=cause):
            read(imagenet.RECIPE, tmp_path)


RECIPES = {module.RECIPE.name: module.RECIPE for module in (flowers102, caltech101, grocery_store, google_web)}


def small_archive(recipe: Recipe) -> Path | None:
    folder = Path(os.environ.get("S2M_DATA") or "data")
    inner = [folder / recipe.small, folder / Path(recipe.small).stem / recipe.small]
    return next((path for path in inner if path.is_file() and path != folder / f"{recipe.name}.zip"), None)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_the_real_set(recipe: Recipe, tmp_path: Path) -> None:
    archive = small_archive(recipe)
    if archive is None:
        pytest.skip(f"no {recipe.small} in S2M_DATA or data/")
    assert main(recipe, ["--source", str(archive.parent), "--out", str(tmp_path)]) == 0
    images = load_photos(recipe.name, tmp_path)
    assert (len(images), len(images.classes)) == (recipe.images, recipe.classes)
    assert min(read_photo(images.read(0)).size) >= 100
    if recipe.name in PHOTO_SPLITS:
        parts = [images.select(load_split(recipe.name, part)) for part in PARTS]
        assert sum(map(len, parts)) == len(images) - 60 * (recipe.name == "caltech101")
        assert min(np.bincount(part.labels).min() for part in parts) >= 30
    if recipe.name == "caltech101":
        assert {*load_foreign("train"), *load_foreign("test")} <= set(images.files)
    if recipe.name == "google_web":
        assert images.ranks is not None
        assert images.ranks.min() == 1
        assert {f"{query}/{kind}" for query in QUERY_CLASSES for kind in ("top", "photo", "cartoon")} <= set(
            images.classes
        )
