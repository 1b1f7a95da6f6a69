"""Reading archives without unpacking them, whole, damaged and malicious."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from archives import members, require_md5, require_whole_zip

from s2m.errors import S2MError

CONTENT = {"set/a/1.jpg": b"one" * 400, "set/b/2.jpg": b"two" * 400, "set/notes.txt": b"no image"}


def write(path: Path, content: dict[str, bytes]) -> Path:
    """An archive of the kind that the suffix names, or a folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in content.items():
                archive.writestr(name, data)
    elif path.suffix in (".tar", ".tgz"):
        with tarfile.open(path, "w:gz" if path.suffix == ".tgz" else "w") as archive:
            for name, data in content.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    else:
        for name, data in content.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    return path


def images(path: Path) -> dict[str, bytes]:
    return dict(members(path, lambda name: name.endswith(".jpg")))


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tgz", "folder"])
def test_what_is_wanted_is_read(tmp_path: Path, name: str) -> None:
    assert images(write(tmp_path / name, CONTENT)) == {k: v for k, v in CONTENT.items() if k.endswith("jpg")}


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tgz"])
@pytest.mark.parametrize("outside", ["../evil.jpg", "/etc/evil", "set/../../evil.jpg", "set\\..\\evil.jpg"])
def test_paths_that_leave_the_folder_are_refused(tmp_path: Path, name: str, outside: str) -> None:
    with pytest.raises(S2MError, match=r"names a file outside its folder, .*evil.*: do not trust it"):
        images(write(tmp_path / name, {**CONTENT, outside: b"evil"}))


def test_links_in_an_archive_are_not_followed(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        link = tarfile.TarInfo("set/a/1.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert images(tmp_path / "x.tar") == {}


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tgz"])
def test_damage_is_found(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, CONTENT)
    whole = path.read_bytes()
    for content in (b"", b"<html>", whole[: len(whole) // 2 if name == "x.tgz" else 700]):
        path.write_bytes(content)
        with pytest.raises(S2MError, match=f"{name} is not a whole archive .*: delete it and get it anew"):
            images(path)
    with pytest.raises(S2MError, match="not a whole archive"):
        images(tmp_path / "missing")


def test_checks_of_what_came(tmp_path: Path) -> None:
    path = write(tmp_path / "x.zip", {"a": b"abc" * 9})
    require_whole_zip(path)
    path.write_bytes(path.read_bytes().replace(b"abc" * 9, b"abd" * 9))
    with pytest.raises(S2MError, match=r"damaged zip archive \(a\)"):
        require_whole_zip(path)
    path.write_bytes(b"abc")
    require_md5("900150983cd24fb0d6963f7d28e17f72")(path)  # RFC 1321, A.5
    path.write_bytes(b"abd")
    with pytest.raises(S2MError, match="is not what its authors publish"):
        require_md5("900150983cd24fb0d6963f7d28e17f72")(path)
