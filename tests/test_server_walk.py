"""Requests that nobody thought of, made from the interface's own description: none may break the server."""

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

schema = schemathesis.pytest.from_fixture("description")


@pytest.fixture(scope="module")
def description(sample_port):
    return schemathesis.openapi.from_url(f"http://127.0.0.1:{sample_port}/openapi.json")


@schema.parametrize()
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_is_the_servers_fault(case):
    response = case.call(timeout=120)
    assert response.status_code < 500, response.text
    if response.status_code >= 400:
        assert response.json().keys() == {"error"} and "Traceback" not in response.text
