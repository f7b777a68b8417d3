"""Names and results are read as what they are: somebody else's."""

import pytest
from conftest import encode
from openrelik_worker_webshellscan import inputs


@pytest.mark.parametrize(
    "name, want",
    [
        ("Security.evtx", "Security.evtx"),
        ("Microsoft-Windows-Sysmon%4Operational.evtx", "Microsoft-Windows-Sysmon%4Operational.evtx"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("..", "file"),
        (".", "file"),
        ("", "file"),
        (None, "file"),
        ("C:\\Logs\\a.evtx", "C:_Logs_a.evtx"),
        ("a\0b\n\x1b[2J.evtx", "a_b__[2J.evtx"),
        ("\u202excod.evtx", "_xcod.evtx"),
        ("\ud800.evtx", "_.evtx"),
        ("журнал.evtx", "журнал.evtx"),
        ("x" * 300 + ".evtx", "x" * 195 + ".evtx"),
        ("ж" * 300 + ".evtx", "ж" * 97 + ".evtx"),
        ("a." + "b" * 300, "a." + "b" * 49),
    ],
)
def test_safe_name(name, want):
    assert inputs.safe_name(name) == want
    assert len(want.encode()) <= inputs.MAX_NAME


def file(server, tmp_path, name, content=b"x"):
    path = tmp_path / "content"
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    return server.upload(path, name)


def test_links_keep_names_apart(server, tmp_path):
    """The same name twice, a name that climbs, IDs that come again or are none."""
    names = ["Security.evtx", "Security.evtx", "../../../climb", "..", "c"]
    files = [file(server, tmp_path, name, str(i).encode()) for i, name in enumerate(names)]
    files[3]["id"] = files[2]["id"]
    files[4]["id"] = "../../up"
    into = tmp_path / "in"
    links = inputs.link(files, into)
    found = {str(path.relative_to(into)): path.read_text() for path in into.rglob("*") if path.is_file()}
    assert {linked.path for linked in links} == set(found)
    assert sorted(found.values()) == ["0", "1", "2", "3", "4"]
    assert found["1/Security.evtx"] == "0" and found["2/Security.evtx"] == "1"
    assert all(linked.hard for linked in links)
    assert not [path for path in tmp_path.iterdir() if path.name not in ("in", "data", "content")]


def test_segments_stand_together(server, tmp_path):
    """Segments of an image are found by name, whatever their order; those of two
    images of one name are not mixed."""
    names = ["disk.E02", "disk.E01", "disk.e03", "other.001", "other.002", "disk.E01", "vm-s001.vmdk", "vm.vmdk", "a.evtx"]
    files = [file(server, tmp_path, name) for name in names]
    into = tmp_path / "in"
    links = [linked.path for linked in inputs.link(files, into)]
    assert links == ["2/disk.E01", "4/other.001", "6/disk.E01", "7/vm-s001.vmdk", "9/a.evtx"]
    assert sorted(path.name for path in (into / "2").iterdir()) == ["disk.E01", "disk.E02", "disk.e03"]
    assert sorted(path.name for path in (into / "7").iterdir()) == ["vm-s001.vmdk", "vm.vmdk"]


def test_another_file_system(server, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("cross-device link")

    monkeypatch.setattr(inputs.os, "link", refuse)
    links = inputs.link([file(server, tmp_path, "a.evtx")], tmp_path / "in")
    assert [(linked.path, linked.hard) for linked in links] == [("1/a.evtx", False)]
    assert (tmp_path / "in/1/a.evtx").read_bytes() == b"x"


def test_a_file_that_is_gone(server, tmp_path):
    gone = file(server, tmp_path, "a.evtx")
    (tmp_path / "data").joinpath(gone["path"]).unlink()
    with pytest.raises(FileNotFoundError):
        inputs.link([gone], tmp_path / "in")


def test_results_of_tasks_before():
    """Every element of a result counts, and a file that branches share counts once."""
    a, b, c = ({"path": f"/data/{name}", "display_name": name} for name in "abc")
    own = [{"path": "/data/own"}]
    one, two = encode({"output_files": [a, b]}), encode({"output_files": [b, c]})
    assert inputs.files_of(None, own) == own
    assert inputs.files_of(one, own) == [a, b]
    assert inputs.files_of([one, two], own) == [a, b, c]
    assert inputs.files_of([[one], [[two]]], own) == [a, b, c]
    assert inputs.files_of([encode({"output_files": None}), two], own) == [b, c]
    assert inputs.files_of(None, None) == []
    for wrong in ([1], {"a": 1}, [[[[[[[[[[one]]]]]]]]]]):
        with pytest.raises(ValueError):
            inputs.files_of(wrong, own)
