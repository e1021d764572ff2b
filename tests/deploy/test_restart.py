"""Having what runs begin anew: one instance, both, the bot, or all."""

from pathlib import Path

import pytest

from tests.deploy.rig import Rig
from tests.deploy.test_releases import INSTANCES, told


@pytest.fixture
def running(tmp_path: Path) -> Rig:
    rig = Rig(tmp_path)
    rig.deployed("older", "running")
    return rig


def test_a_restart_takes_both_in_turn(running: Rig) -> None:
    assert running.run("restart_api_service.sh").returncode == 0
    assert told(running) == INSTANCES[:-1]
    assert len(running.calls("--force-recreate")) == 2


def test_a_restart_of_one_leaves_the_other(running: Rig) -> None:
    assert running.run("restart_api_service.sh", "2").returncode == 0
    assert told(running) == INSTANCES[4:-1]


def test_a_restart_of_all_has_the_bot_begin_anew_as_well(running: Rig) -> None:
    assert running.run("restart_api_service.sh", "all").returncode == 0
    assert told(running) == INSTANCES
    assert len(running.calls("--force-recreate")) == 3


def test_a_restart_of_all_begins_no_bot_on_another_host(running: Rig) -> None:
    assert running.run("restart_api_service.sh", "all", WITHOUT_BOT="1").returncode == 0
    assert told(running) == INSTANCES[:-1]


def test_the_bot_may_begin_anew_alone(running: Rig) -> None:
    assert running.run("restart_api_service.sh", "bot").returncode == 0
    assert told(running) == ["up bot"]


def test_the_second_instance_stays_while_the_first_doesnt_answer(running: Rig) -> None:
    running.fail("127.0.0.1:8001")
    done = running.run("restart_api_service.sh")
    assert done.returncode == 1
    assert "the others run on" in done.stderr
    assert running.calls("webhook-api-2") == []


def test_there_is_no_third_instance(running: Rig) -> None:
    assert running.run("restart_api_service.sh", "3").returncode == 1
