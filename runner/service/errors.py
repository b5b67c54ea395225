"""What a client is told that asked for what it cannot have: one JSON shape for all errors."""

from __future__ import annotations

from starlette.responses import JSONResponse


class ApiError(Exception):
    """An answer that is none, in the shape of the OpenAI interface."""

    def __init__(self, status: int, message: str, *, param: str | None = None) -> None:
        """Says what happened.

        Args:
            status: The HTTP status.
            message: One line that says what to change.
            param: The field of the form that it is about.
        """
        super().__init__(message)
        self.status = status
        self.param = param

    def body(self) -> dict[str, str | int | None]:
        """What is said of it, in answers and in events."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        return {"message": str(self), "type": kind, "param": self.param, "code": self.status}

    def response(self) -> JSONResponse:
        """As it is sent."""
        headers = {}
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        if self.status == 503:
            headers["Retry-After"] = "1"
        return JSONResponse({"error": self.body()}, self.status, headers=headers)
