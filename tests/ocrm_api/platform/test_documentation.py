"""The pages for front-end developers work in a network that reaches nothing else."""

import re

import pytest

from tests.ocrm_api.conftest import Api


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
async def test_a_page_loads_everything_from_this_server(api: Api, page: str) -> None:
    answer = await api.http.get(page)
    assert answer.status_code == 200
    assert "https://" not in answer.text
    for asset in re.findall(r'(?:src|href)="(/[^"]+)"', answer.text):
        assert (await api.http.get(asset)).status_code == 200, asset
