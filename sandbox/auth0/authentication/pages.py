"""HTML pages of the tenant: jinja2 templates, always escaped, no script, no outside resource."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

__all__ = ["page", "stylesheet"]

TEMPLATES = Path(__file__).parent.parent / "templates"
_HEADERS = {
    "Cache-Control": "no-store",
    # No form-action: browsers apply it to the redirect that follows, which leads to the application.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )


def page(template: str, *, status: int = 200, **values: Any) -> Response:
    """Render a template; values are escaped."""
    html = _environment().get_template(template).render(**values)
    return HTMLResponse(html, status_code=status, headers=_HEADERS)


def stylesheet() -> Response:
    """The pages' one stylesheet."""
    return Response(_css(), media_type="text/css", headers={"Cache-Control": "max-age=300"})


@functools.cache
def _css() -> bytes:
    return (TEMPLATES / "style.css").read_bytes()
