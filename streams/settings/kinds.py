"""The kinds of values that settings have: what is expected of each, in a form and in words."""

from typing import Annotated

from msgspec import Meta


def text(pattern: str, expected: str, description: str) -> Meta:
    """A setting that is a text. expected: the pattern in words."""
    return Meta(pattern=pattern, description=description, extra={"expected": expected})


def own(description: str, default: str, *, ge: float, le: float) -> Meta:
    """A setting that is the models' own unless given; `default` only shows what that is."""
    return Meta(ge=ge, le=le, description=description, extra={"default": default})


HOST_PORT = r"(\[[0-9A-Fa-f:]+\]|[^\s,:\[\]]+):[0-9]{1,5}"

Servers = Annotated[
    str, text(rf"^{HOST_PORT}(,{HOST_PORT})*$", "host:port, comma-separated", "the brokers to ask first")
]
TopicPrefix = Annotated[
    str,
    text(r"^[A-Za-z0-9._-]{1,100}$", "up to 100 of letters, digits, dot, _ and -", "first part of every topic's name"),
]
Account = Annotated[  # no dot: the parts of a topic's name must stay apart
    str, text(r"^[A-Za-z0-9_-]{1,64}$", "up to 64 of letters, digits, _ and -", "the customer's account")
]
InstanceId = Annotated[
    str,
    text(
        r"^[A-Za-z0-9._-]{1,200}$",
        "up to 200 of letters, digits, dot, _ and -",
        "a name that no other worker bears, to take its cameras back after a restart (static membership); unset: none",
    ),
]
Name = r"^[^\x00-\x1f\x7f]{1,256}$"
