"""Who may ask: this machine's programs alone, or whoever knows a token."""

import ipaddress
import secrets
import socket
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers

# The browser's page keeps the token in a cookie that scripts can't read and other sites can't send.
COOKIE = "kb_token"
_LOOPBACK_NAMES = frozenset({"localhost"})


def is_loopback(host: str) -> bool:
    """Whether a name or address reaches this machine only."""
    address = _address(host)
    return host in _LOOPBACK_NAMES or (address is not None and address.is_loopback)


@dataclass(frozen=True, slots=True)
class Access:
    """`host` is where the server listens. With a `token` every request has to bring it."""

    host: str = "127.0.0.1"
    token: str | None = field(default=None, repr=False)

    def names(self, host_header: str) -> bool:
        """Whether a Host header names this server. A page elsewhere whose own name was bound to this machine's address
        (DNS rebinding) sends that name."""
        name = _host(host_header)
        if name is None:
            return False
        if is_loopback(self.host):
            return is_loopback(name)
        return _address(name) is not None or name in {
            "localhost",
            self.host.lower(),
            socket.gethostname().lower(),
        }

    def admits(self, headers: Headers) -> bool:
        """Whether a request brings the token, in `Authorization: Bearer` or in the page's cookie."""
        if self.token is None:
            return True
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(given.strip()):
            return True
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return morsel is not None and self.is_token(morsel.value)

    def is_token(self, given: str) -> bool:
        """Whether that is the token."""
        return self.token is not None and secrets.compare_digest(
            given.encode("utf-8", "replace"), self.token.encode()
        )


def _host(header: str) -> str | None:
    try:
        return None if "@" in header else urlsplit(f"//{header}").hostname
    except ValueError:
        return None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
