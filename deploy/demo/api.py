"""Asks the OCRM's interface, as a front end would."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

#: Requests at a time; well below what the interface takes before it says that it is busy.
_AT_A_TIME = 6


class Api:
    """The interface, for one login of the demo."""

    def __init__(self, base: str, login: dict[str, Any]) -> None:
        self._client = httpx.Client(base_url=base, timeout=30.0)
        answer = self._client.post(
            "/v1/session", json={"login": login["login"], "password": login["password"]}
        )
        answer.raise_for_status()
        self._client.headers["Authorization"] = f"Bearer {answer.json()['token']}"

    def get(self, path: str) -> dict[str, Any]:
        """The JSON of a GET; `httpx.HTTPError` where it fails."""
        answer = self._client.get(path)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def get_all(self, paths: Iterable[str]) -> list[dict[str, Any]]:
        """The JSON of several GETs, in their order."""
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            return list(pool.map(self.get, paths))

    def pages(self, path: str) -> list[dict[str, Any]]:
        """The items of all pages of a list."""
        items: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            page = self.get(f"{path}&cursor={cursor}" if cursor else path)
            items += page["items"]
            cursor = page["next_cursor"]
        return items
