"""The file that remembers what keys have spent: one for several keys, which none but its owner reads."""

import hashlib
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tickmux_adapters.budget import Spending
from tickmux_adapters.budget_file import KEYS_MAX, BudgetFile


def test_keys_that_share_a_file_forget_nothing_of_each_other(tmp_path: Path) -> None:
    path = tmp_path / "budget.json"
    for number in range(KEYS_MAX):
        BudgetFile(path, f"THE-KEY-{number}").save([Spending(number, number + 1)])
    BudgetFile(path, "THE-KEY-0").save([Spending(99, 99)])
    assert BudgetFile(path, "THE-KEY-0").load() == [Spending(99, 99)]
    for number in range(1, KEYS_MAX):
        assert BudgetFile(path, f"THE-KEY-{number}").load() == [Spending(number, number + 1)]


def test_the_key_that_was_used_longest_ago_is_forgotten_first(tmp_path: Path) -> None:
    path = tmp_path / "budget.json"
    for number in range(KEYS_MAX):
        BudgetFile(path, f"THE-KEY-{number}").save([Spending(number, 1)])
    BudgetFile(path, "THE-KEY-0").save([Spending(0, 2)])
    for number in range(2):
        BudgetFile(path, f"NEW-KEY-{number}").save([Spending(number, 3)])
    spent = [bool(BudgetFile(path, f"THE-KEY-{number}").load()) for number in range(KEYS_MAX)]
    assert spent == [True, False, False, *[True] * (KEYS_MAX - 3)]


def test_sources_that_write_one_file_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "budget.json"
    names = [f"THE-KEY-{number}" for number in range(4)]

    def spend(name: str) -> None:
        file = BudgetFile(path, name)
        for requests in range(1, 51):
            file.save([Spending(1, requests)])

    with ThreadPoolExecutor(len(names)) as threads:
        list(threads.map(spend, names))
    assert [BudgetFile(path, name).load() for name in names] == [[Spending(1, 50)]] * len(names)


def test_a_key_that_is_replaced_while_we_run_has_a_record_of_its_own(tmp_path: Path) -> None:
    path, keys = tmp_path / "budget.json", ["THE-KEY-1"]
    file = BudgetFile(path, lambda: keys[-1])
    file.save([Spending(1, 1)])
    keys.append("THE-KEY-2")
    assert file.load() == []
    file.save([Spending(1, 1), Spending(2, 1)])
    assert BudgetFile(path, "THE-KEY-1").load() == [Spending(1, 1)]
    assert BudgetFile(path, "THE-KEY-2").load() == [Spending(1, 1), Spending(2, 1)]


def test_only_its_owner_reads_the_file_and_nobody_can_lay_a_link_in_its_way(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "budget.json", tmp_path / "of-somebody-else"
    elsewhere.write_text("precious")
    path.symlink_to(elsewhere)
    (tmp_path / f"budget.json.{os.getpid()}").symlink_to(elsewhere)
    mask = os.umask(0)
    try:
        BudgetFile(path, "THE-KEY-1").save([Spending(1, 1)])
    finally:
        os.umask(mask)
    assert elsewhere.read_text() == "precious"
    assert not path.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert BudgetFile(path, "THE-KEY-1").load() == [Spending(1, 1)]


def test_the_print_of_a_key_is_costly_and_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bytes] = []
    scrypt = hashlib.scrypt

    def counted(password: bytes, **cost: Any) -> bytes:
        made.append(password)
        return scrypt(password, **cost)

    monkeypatch.setattr(hashlib, "scrypt", counted)
    for folder in (tmp_path, tmp_path / "file"):
        (tmp_path / "file").touch()
        file = BudgetFile(folder / "budget.json", f"A-KEY-IN-{folder.name}")
        for requests in range(5):
            file.load()
            file.save([Spending(1, requests)])
    assert len(made) == 2


def test_a_file_that_cannot_be_replaced_is_said_once_and_leaves_nothing_behind(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "budget.json"
    path.mkdir()
    file = BudgetFile(path, "THE-KEY-1")
    for requests in range(3):
        file.save([Spending(1, requests)])
    assert "cannot be written" in file.problem
    assert [record.getMessage() for record in caplog.records] == [file.problem]
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
