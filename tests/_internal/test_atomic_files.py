"""A file or folder gets its name when it is complete."""

import errno

import pytest

from seglib._internal.atomic_files import AtomicFile, AtomicFolder, remove_leftovers


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_there_once_it_is_committed(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with AtomicFile(path) as file:
        file.part.write_text("new")
        assert not path.exists()
        assert file.part.parent == path.parent
        assert file.part.suffix == path.suffix
        assert file.part.name.startswith(".")
    assert path.read_text() == "new"
    file.discard()
    assert names(path.parent) == ["a.txt"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), OSError(errno.ENOENT, "not there", "b.txt")])
def test_an_error_leaves_the_older_file_and_is_raised_as_it_is(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(type(error)) as info, AtomicFile(path) as file:
        file.part.write_text("new")
        raise error
    assert info.value is error
    assert names(tmp_path) == ["a.txt"]
    assert path.read_text() == "old"


def test_a_name_of_many_bytes_is_short_enough(tmp_path):
    path = tmp_path / ("講義" * 35 + ".mp4")  # 214 bytes; file systems allow 255
    with AtomicFile(path) as file:
        file.part.write_text("new")
    assert path.read_text() == "new"
    file.part.write_text("of a killed process")
    remove_leftovers(path)
    assert names(tmp_path) == [path.name]


def test_a_full_disk_is_told_with_the_final_name(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(OSError, match=r"No space") as info, AtomicFile(path) as file:
        raise OSError(errno.ENOSPC, "No space left on device", str(file.part))
    assert info.value.errno == errno.ENOSPC
    assert info.value.filename == str(path)
    assert names(tmp_path) == []


def test_a_name_that_cannot_be_given_is_told(tmp_path):
    path = tmp_path / "a.txt"
    path.mkdir()
    with pytest.raises(OSError, match=r"a\.txt"), AtomicFile(path) as file:
        file.part.write_text("new")
    assert names(tmp_path) == ["a.txt"]


def test_a_folder_replaces_an_older_one_as_a_whole(tmp_path):
    path = tmp_path / "pictures"
    for content in ("first", "second"):
        with AtomicFolder(path) as folder:
            (folder.part / content).write_text(content)
        assert names(path) == [content]
        assert names(tmp_path) == ["pictures"]
    with pytest.raises(ValueError, match="no"), AtomicFolder(path) as folder:
        raise ValueError("no")
    assert names(tmp_path) == ["pictures"]


def test_leftovers_of_this_name_are_removed_and_no_others(tmp_path):
    AtomicFile(tmp_path / "a.txt")
    AtomicFolder(tmp_path / "a")
    (tmp_path / ".a.part.txt").touch()
    remove_leftovers(tmp_path / "a.txt")
    remove_leftovers(tmp_path / "a")
    remove_leftovers(tmp_path / "nowhere" / "a")
    assert names(tmp_path) == [".a.part.txt"]
