"""x"""

PREFIX = "/v1/repos/"


def answer(*a: object) -> tuple[int, dict[str, str], bytes]:
    return 404, {}, b""
