"""A local AWS that starts beside another one, right after it, or not at all, and what it says then."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from local_aws import LocalAws, NotStarted
from local_aws.control import client

pytestmark = pytest.mark.slow


def test_a_port_that_is_in_use_is_named(tmp_path: Path) -> None:
    # GIVEN somebody who listens on the port
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        # WHEN a local AWS is to start there, THEN it says so, and nothing was started
        with pytest.raises(NotStarted, match=f"port {port} of 127.0.0.1 is in use"):
            LocalAws(tmp_path, port=port).start()
    assert not (tmp_path / "server.log").exists()


def test_a_port_that_is_taken_meanwhile_is_given_up_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a port that was free when it was looked at, and is not any more
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        ports = iter([taken, client._free_port()])
        monkeypatch.setattr(client, "_free_port", lambda: next(ports))
        # WHEN the local AWS starts, THEN it does so on another one
        with LocalAws(tmp_path) as aws:
            assert aws.port != taken
            assert aws.client("sts").get_caller_identity()["Account"] == "111111111111"


def test_a_server_that_fails_gives_its_reason_last_and_keeps_its_log(tmp_path: Path) -> None:
    # GIVEN a folder that the server cannot use
    (tmp_path / "tmp").write_text("a file where a folder has to be")
    # WHEN it starts
    with pytest.raises(NotStarted) as caught:
        LocalAws(tmp_path).start()
    # THEN the last line says why and where the log is, and the lines before are the log's
    *log, last = str(caught.value).splitlines()
    assert last == f"the local AWS did not start: it ended with exit code 1; its whole log: {tmp_path / 'server.log'}"
    assert "FileExistsError" in log[-1]
    assert "FileExistsError" in (tmp_path / "server.log").read_text()


def test_the_answer_of_another_server_is_not_taken_for_ones_own(tmp_path: Path) -> None:
    # GIVEN a server that listens, and a second one that was told of the same port and has not come up
    with LocalAws(tmp_path / "one") as one:
        two = LocalAws(tmp_path / "two", port=one.port)
        # THEN what the first one answers does not count
        assert one._answers()
        assert not two._answers()
