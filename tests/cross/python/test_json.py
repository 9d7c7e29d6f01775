"""The gateway by plain HTTP: callers that have httpx, requests or curl, and no gRPC."""

import http.client
import json
import os
import subprocess

import httpx
import pytest
import requests
from conftest import BAD, CALL, DEAD, GOOD

JSON = {"content-type": "application/json"}
LINES = {"content-type": "application/x-ndjson"}


@pytest.fixture(scope="session")
def gateway():
    return f"http://{os.environ['FANFARE_HTTP']}"


def push(token=GOOD, **members):
    content = {"notification": {"title": "Hello"}}
    return {"app": "demo", "target": {"apns": {"token": token}}, "content": content, **members}


def lines(pushes):
    return "".join(json.dumps(it) + "\n" for it in pushes)


def read(said):
    """The results by their ids, and the last line."""
    results = [result for line in said for result in line.get("results", [])]
    assert said[-1]["end"] is True
    assert not any("end" in line for line in said[:-1])
    return {result["id"]: result["outcome"] for result in results}, said[-1]


OUTCOMES = {"a": "OUTCOME_ACCEPTED", "b": "OUTCOME_UNREGISTERED", "c": "OUTCOME_INVALID_TOKEN"}
PUSHES = [push(GOOD, id="a"), push(DEAD, id="b"), push(BAD, id="c")]


@pytest.mark.parametrize("post", [httpx.post, requests.post])
def test_one_push(gateway, post):
    answer = post(f"{gateway}/v1/pushes", json=push(), timeout=CALL)
    assert answer.status_code == 200
    assert answer.json()["outcome"] == "OUTCOME_ACCEPTED"


@pytest.mark.parametrize("post", [httpx.post, requests.post])
def test_several(gateway, post):
    answer = post(f"{gateway}/v1/pushes", json={"pushes": PUSHES}, timeout=CALL)
    assert {it["id"]: it["outcome"] for it in answer.json()["results"]} == OUTCOMES


@pytest.mark.parametrize("post", [httpx.post, requests.post])
def test_a_problem(gateway, post):
    answer = post(f"{gateway}/v1/pushes", json=push(contents={}), timeout=CALL)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == "contents"


def test_a_batch_by_httpx(gateway):
    pieces = (line.encode() for line in lines(PUSHES).splitlines(keepends=True))
    with httpx.stream("POST", f"{gateway}/v1/batch", content=pieces, headers=LINES, timeout=CALL) as answer:
        answer.raise_for_status()
        outcomes, last = read([json.loads(line) for line in answer.iter_lines()])
    assert outcomes == OUTCOMES
    assert last["progress"]["itemsRead"] == "3"


def test_a_batch_by_requests(gateway):
    pieces = (line.encode() for line in lines(PUSHES).splitlines(keepends=True))
    with requests.post(f"{gateway}/v1/batch", data=pieces, headers=LINES, stream=True, timeout=CALL) as answer:
        answer.raise_for_status()
        outcomes, _ = read([json.loads(line) for line in answer.iter_lines()])
    assert outcomes == OUTCOMES


def test_a_batch_that_is_read_while_it_is_written():
    """Over one connection of the standard library: each verdict comes before the next push is written."""
    connection = http.client.HTTPConnection(os.environ["FANFARE_HTTP"], timeout=CALL)
    connection.putrequest("POST", "/v1/batch")
    for name, value in {**LINES, "transfer-encoding": "chunked"}.items():
        connection.putheader(name, value)
    connection.endheaders()

    def write(text):
        connection.send(f"{len(text):x}\r\n{text}\r\n".encode())

    write(lines([PUSHES[0]]))
    answer = connection.getresponse()
    said = [json.loads(answer.readline())]
    assert said[0]["results"][0]["id"] == "a"
    for item in PUSHES[1:]:
        write(lines([item]))
        said.append(json.loads(answer.readline()))
        assert said[-1]["results"][0]["id"] == item["id"]
    connection.send(b"0\r\n\r\n")
    said += [json.loads(line) for line in answer.read().splitlines()]
    assert read(said)[0] == OUTCOMES
    connection.close()


def test_a_large_batch_by_curl(gateway, tmp_path):
    """curl reads while it writes, so a batch may be longer than the window of one."""
    count = 20_000
    with open(tmp_path / "pushes.ndjson", "w") as file:
        file.writelines(lines([push(id=str(number))]) for number in range(count))
    command = ["curl", "-sS", "--no-buffer", "-X", "POST", f"{gateway}/v1/batch", "-T", "-"]
    command += ["-H", "content-type: application/x-ndjson"]
    with open(tmp_path / "pushes.ndjson") as file:
        ran = subprocess.run(command, stdin=file, capture_output=True, check=True, timeout=6 * CALL)
    outcomes, last = read([json.loads(line) for line in ran.stdout.splitlines()])
    assert outcomes == {str(number): "OUTCOME_ACCEPTED" for number in range(count)}
    assert last["progress"]["itemsRead"] == str(count)
