"""The demo as its user starts it: bad input, a short run, and its end by a signal."""

import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

import pytest

from conftest import DEMO
from orders import Order
from report import Outcome, verdict


def demo(*arguments: str, seconds: float = 60) -> subprocess.CompletedProcess:
    command = [sys.executable, str(DEMO), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)


@pytest.fixture
def bad_orders(tmp_path):
    path = tmp_path / "orders.jsonl"
    path.write_text((DEMO.parent / "orders.jsonl").read_text().replace('"EUR"', '"EURO"', 1))
    return str(path)


def test_bad_orders_are_named_by_their_line(bad_orders):
    line = next(
        number
        for number, text in enumerate((DEMO.parent / "orders.jsonl").read_text().splitlines(), 1)
        if '"EUR"' in text
    )
    done = demo("--orders", bad_orders)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{bad_orders}, line {line}: currency must be one of" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--orders", "/no/such/file"], "/no/such/file: No such file"),
        (["--nodes", "nonsense"], "--nodes: nodes[0]: must begin with redis://"),
        (["--nodes", "redis://a,http://u:hunter2@b"], "nodes[1]"),
        (["--nodes", "redis://127.0.0.1:1,redis://u:hunter2@127.0.0.1:2"], "redis://127.0.0.1:2"),
        (["--queue", "redis://:hunter2@127.0.0.1:1"], "--queue: no server answers"),
        (["--queue", "nonsense"], "--queue: no server answers"),
        (["--ledger", "mysql://root:hunter2@db"], "--ledger: must be a postgresql:// URL"),
        (["--ledger", "postgresql://u:hunter2@127.0.0.1:1/x"], "--ledger: "),
        (["--orders", str(DEMO.parent / "orders.jsonl"), "--seed", "1"], "--orders and --seed"),
        (["--seed", "many"], "--seed"),
        (["--sped", "1"], "--sped"),
    ],
)
def test_bad_arguments_are_named_and_nothing_is_charged(arguments, said):
    done = demo(*arguments)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert said in done.stderr
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_short_run_charges_every_payment_once(tmp_path):
    done = demo("--quick", "--out", str(tmp_path), seconds=280)
    assert done.returncode == 0, done.stdout + done.stderr
    locked, unlocked = done.stdout.split("The same without locks")

    def number(text: str, name: str) -> int:
        return int(re.search(rf"{name} +([\d,]+)", text)[1].replace(",", ""))

    asked_for = number(locked, "payments asked for")
    assert number(locked, "charged once") == asked_for
    assert number(locked, "charged twice or more") == number(locked, "never charged") == 0
    for name in ("already scheduled", "hand-overs", "adoptions refused", "acquired afresh"):
        assert number(locked, name) > 0, name
    for language in ("NestJS", "Python", "C"):
        assert number(locked, rf"\n  {language}") > 0, language
    for what in (
        "came back empty",
        "was paused",
        "was killed in the middle of payment",
        "locked it afresh",
        "got it and was refused: another worker is at it",
        "blocked its event loop for 6 s",
        "was stopped for 5 s in the middle of payment",
        "had lost the lock, noticed by: the check before the write",
    ):
        assert what in locked, what
    # The same demo does see double charges where there are some.
    assert number(unlocked, "double charges") > 0
    picture = ET.parse(tmp_path / "timeline.svg").getroot()
    bars = [title.text for title in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert len(bars) > asked_for


def test_a_double_and_a_missing_charge_fail_the_demo():
    orders = [Order(1, 0, name, "c", 100, "EUR", "web") for name in ("a", "b")]
    assert Outcome(orders, {"a": 1, "b": 1}).is_exactly_once
    for charges in ({"a": 2, "b": 1}, {"a": 1}, {"a": 1, "b": 1, "x": 1}):
        outcome = Outcome(orders, charges)
        assert not outcome.is_exactly_once
        assert "FAILED: 1 payments" in verdict(outcome)


def test_nothing_is_left_when_the_demo_is_ended(tmp_path):
    command = [sys.executable, str(DEMO), "--quick", "--out", str(tmp_path)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for line in running.stdout:
        if "sent" in line:
            break
    children = children_of(running.pid)
    assert len(children) >= 12
    running.send_signal(signal.SIGTERM)
    assert running.wait(60) == 143
    running.stdout.close()
    until = time.monotonic() + 10
    while any(os.path.exists(f"/proc/{child}") for child in children):
        assert time.monotonic() < until
        time.sleep(0.05)


def children_of(pid: int) -> list[str]:
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return children.read().split()
