"""The file of tokens: trusted by its permissions, and changed as a whole."""

import multiprocessing
import os
from pathlib import Path

import pytest
from tests.server.access.guarded import Keys

from tickmux_server.access import tokens
from tickmux_server.access.token_file import TokenFile, TokenFileUnusable
from tickmux_server.access.tokens import TokenRecord


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_it_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        keys = Keys(tmp_path)
    finally:
        os.umask(before)
    assert mode(keys.file.path) == 0o600
    keys.add("desk")
    assert mode(keys.file.path) == 0o600
    assert [record.name for record in keys.file.read()] == ["desk"]
    assert [path.name for path in tmp_path.iterdir()] == ["tokens.jsonl"], "nothing is left beside it"


def test_a_group_that_may_read_it_still_may_after_a_change_and_nobody_else(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    keys.file.path.chmod(0o644)
    keys.add("desk")
    assert mode(keys.file.path) == 0o640


@pytest.mark.parametrize("wrong", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_not_trusted(tmp_path: Path, wrong: int) -> None:
    keys = Keys(tmp_path)
    keys.file.path.chmod(wrong)
    with pytest.raises(TokenFileUnusable, match="others than its owner can write to it: run chmod 600"):
        keys.file.read()


def test_a_change_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    keys.add("desk")
    before = keys.file.path.read_bytes()

    def fail(records: object) -> list[TokenRecord]:
        raise KeyError("name")

    with pytest.raises(KeyError):
        keys.file.change(fail)
    assert keys.file.path.read_bytes() == before


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    link = tmp_path / "link.jsonl"
    link.symlink_to(keys.file.path)
    TokenFile(link).change(lambda _: [TokenRecord(name="a", hash=tokens.hash_of("x"))])
    assert link.is_symlink()
    assert [record.name for record in keys.file.read()] == ["a"]


@pytest.mark.parametrize(
    ("content", "said"), [(b"\xff", "is not UTF-8 text"), (b"x" * (4 * 1024 * 1024 + 1), "larger"), (b"{", "line 1")]
)
def test_what_is_no_token_file_is_told(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "tokens.jsonl"
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(TokenFileUnusable, match=said):
        TokenFile(path).read()


def test_an_absent_file_or_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(TokenFileUnusable, match="cannot be read: No such file"):
        TokenFile(tmp_path / "absent").read()
    with pytest.raises(TokenFileUnusable, match="its folder cannot be opened"):
        TokenFile(tmp_path / "absent" / "tokens.jsonl").change(lambda _: [], create=True)
    with pytest.raises(TokenFileUnusable, match="cannot be read"):
        TokenFile(tmp_path / "absent").change(lambda _: [])


def _add_many(path: Path, prefix: str) -> None:
    for number in range(20):
        record = TokenRecord(name=f"{prefix}{number}", hash=tokens.hash_of(f"{prefix}{number}"))
        TokenFile(path).change(lambda records, record=record: [*records, record])  # type: ignore[misc] # bound in time


def test_changes_at_the_same_time_are_all_made(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_add_many, args=(keys.file.path, prefix)) for prefix in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert len(keys.file.read()) == 40
