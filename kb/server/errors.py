"""What a client is told when something goes wrong: a status and one sentence."""

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from generation.stop import Stopped
from kb.server import service
from kb.server.owner import Busy
from retrieval.errors import KbError, UsageError

# What an application has to be told to expect, as it answers others with less.
EXPECTED = (*service.TOLD, ClientDisconnect, HTTPException, RequestValidationError)


def error(path: str, status: int, sentence: str) -> JSONResponse:
    """An error as every answer of the server gives it; for `/v1` as clients of that interface expect it."""
    told: object = sentence
    if path.startswith("/v1/"):
        kind = "invalid_request_error" if status < 500 else "server_error"
        told = {"message": sentence, "type": kind, "param": None, "code": None}
    return JSONResponse({"error": told}, status)


def sentence(problem: Exception) -> tuple[int, str]:
    """The status and the sentence for an exception."""
    match problem:
        case Busy():
            return 429, service.sentence(problem)
        case ClientDisconnect():
            return 400, "the client left"
        case UsageError():
            return 400, str(problem)
        case KbError() | Stopped() | TimeoutError():
            return 503, service.sentence(problem)
        case HTTPException():
            return problem.status_code, str(problem.detail)
        case RequestValidationError():
            first = problem.errors()[0]
            return 422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return 500, "something went wrong that should not"
