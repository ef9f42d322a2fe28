"""Requests that nobody thought of, made from the interface's own description: none may break the server."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

OPERATIONS = [
    ("GET", "/api/search"),
    ("POST", "/api/ask"),
    ("GET", "/api/documents"),
    ("GET", "/api/show/{ref}"),
    ("GET", "/api/file/{ref}"),
    ("GET", "/api/status"),
    ("POST", "/api/session"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/{name}"),
    ("POST", "/v1/chat/completions"),
]


@pytest.fixture(scope="module")
def description(sample_port):
    return schemathesis.openapi.from_url(f"http://127.0.0.1:{sample_port}/openapi.json")


def test_every_operation_is_walked(description):
    described = [operation.ok() for operation in description.get_all_operations()]
    assert {(one.method.upper(), one.path) for one in described} == set(OPERATIONS)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_no_request_is_the_servers_fault(description, method, path):
    @settings(max_examples=30, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(description[path][method].as_strategy())
    def walk(case):
        response = case.call(timeout=120)
        assert response.status_code < 500, response.text
        if response.status_code >= 400:
            assert response.json().keys() == {"error"} and "Traceback" not in response.text

    walk()
