"""Problems (RFC 9457): one registry, one renderer, zh-CN and en.

A slice declares its own problems in `errors.py` by subclassing `Problem`; declaring registers.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypedDict

from fastapi import Response
from starlette.types import Scope as AsgiScope

from ocrm_api import languages
from ocrm_api.json_responses import to_json
from ocrm_api.languages import Language, Text

MEDIA_TYPE = "application/problem+json"


class FieldError(TypedDict):
    """One wrong part of a request: where (JSON pointer), what (stable code), and a sentence."""

    pointer: str
    code: str
    detail: str


class Problem(Exception):
    """A request that cannot be answered: `code` is stable, `sentence` says what to do.

    `sentence` may hold `{names}` that the constructor fills.
    """

    code: ClassVar[str]
    status: int
    title: ClassVar[Text]
    sentence: ClassVar[Text]

    def __init__(
        self,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> None:
        super().__init__(self.code)
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.values = values

    def __init_subclass__(cls) -> None:
        if cls.code in REGISTRY:
            raise TypeError(f"The problem code {cls.code} is declared twice.")
        REGISTRY[cls.code] = cls

    def detail(self, language: Language) -> str:
        """The sentence for the caller."""
        return self.sentence.in_(language).format(**self.values)

    def body(self, language: Language, instance: str, request_id: str) -> dict[str, Any]:
        """The members of the problem document."""
        document: dict[str, Any] = {
            "type": f"/problems/{self.code}",
            "code": self.code,
            "title": self.title.in_(language),
            "status": self.status,
            "detail": self.detail(language),
            "instance": instance,
            "request_id": request_id,
        }
        if self.errors:
            document["errors"] = self.errors
        return document


#: Every kind of problem by its code.
REGISTRY: dict[str, type[Problem]] = {}


class InvalidRequest(Problem):
    """A part of the request is missing, of a wrong type, or out of range."""

    code = "invalid_request"
    status = 422
    title = Text("请求无效", "The request is not valid")
    sentence = Text("请更正 errors 中列出的字段后重试。", "Correct the fields listed in errors.")


class MalformedBody(Problem):
    """The body is not JSON."""

    code = "malformed_body"
    status = 400
    title = Text("请求体无法解析", "The body cannot be read")
    sentence = Text("请求体必须是有效的 JSON 对象。", "Send a body that is a valid JSON object.")


class BodyTooLarge(Problem):
    """The body exceeds the limit."""

    code = "body_too_large"
    status = 413
    title = Text("请求体过大", "The body is too large")
    sentence = Text("请求体不得超过 {limit} 字节。", "Send at most {limit} bytes.")


class BodyTooSlow(Problem):
    """The body did not arrive in time; the connection ends with the answer."""

    code = "body_too_slow"
    status = 408
    title = Text("请求体接收超时", "The body did not arrive in time")
    sentence = Text(
        "请求体必须在 {seconds} 秒内发送完毕；请检查网络后重试。",
        "Send the whole body within {seconds} seconds; check the network and try again.",
    )

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds=f"{seconds:g}", headers={"Connection": "close"})


class NotLoggedIn(Problem):
    """No session, an unknown one, or one that has ended."""

    code = "not_logged_in"
    status = 401
    title = Text("未登录", "Not logged in")
    sentence = Text(
        "请先登录（POST /v1/session），并以 Bearer 令牌或会话 Cookie 访问。",
        "Log in (POST /v1/session) and send the token as Bearer, or the session cookie.",
    )

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class LoginRefused(Problem):
    """Unknown login or wrong password: which one is not said."""

    code = "login_refused"
    status = 401
    title = Text("登录失败", "The login was refused")
    sentence = Text("登录名或密码不正确。", "The login or the password is not right.")

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class PasswordLoginOff(Problem):
    """Built-in passwords exist in demos only."""

    code = "password_login_off"
    status = 403
    title = Text("未启用密码登录", "Passwords are switched off")
    sentence = Text(
        "本系统只接受单点登录；内置密码仅供演示使用（OCRM_DEMO=1）。",
        "Log in by single sign-on; built-in passwords are for demos only (OCRM_DEMO=1).",
    )


class CsrfTokenMissing(Problem):
    """A change by cookie needs the CSRF token in a header."""

    code = "csrf_token_missing"
    status = 403
    title = Text("缺少 CSRF 令牌", "The CSRF token is missing")
    sentence = Text(
        "以 Cookie 登录时，修改类请求必须带 X-CSRF-Token 请求头。",
        "With the session cookie, send the CSRF token of the login as X-CSRF-Token.",
    )


class PermissionMissing(Problem):
    """No role of the user allows the operation."""

    code = "permission_missing"
    status = 403
    title = Text("没有权限", "Not permitted")
    sentence = Text(
        "当前角色没有权限 {permission}，请联系系统管理员。",
        "None of your roles has the permission {permission}; ask the system administrator.",
    )


class NotFound(Problem):
    """It does not exist, or is out of the caller's scope: which one is not said."""

    code = "not_found"
    status = 404
    title = Text("未找到", "Not found")
    sentence = Text(
        "请求的对象不存在，或不在您的可见范围内。", "It does not exist or is not yours to see."
    )


class MethodNotAllowed(Problem):
    """The path exists, the method does not."""

    code = "method_not_allowed"
    status = 405
    title = Text("方法不允许", "Method not allowed")
    sentence = Text(
        "该路径不支持此方法，请查阅接口文档。", "Use a method that the interface lists."
    )


class RequestRefused(Problem):
    """The server refuses the request for a reason that its status names, such as 406 or 415."""

    code = "request_refused"
    status = 400
    title = Text("请求被拒绝", "The request was refused")
    sentence = Text(
        "服务器拒绝了此请求（HTTP {status}），请对照接口文档更正后重试。",
        "The server refuses this request (HTTP {status}); correct it by what the interface lists.",
    )

    def __init__(self, status: int) -> None:
        super().__init__(status=status)
        self.status = status


class InvalidCursor(Problem):
    """The cursor was changed, or belongs to another filter or sort."""

    code = "invalid_cursor"
    status = 400
    title = Text("游标无效", "The cursor is not valid")
    sentence = Text(
        "游标只能与生成它的筛选和排序一起使用；请从第一页重新开始。",
        "A cursor goes with the filter and sort it was made for; start again without it.",
    )


class IdempotencyKeyMissing(Problem):
    """The operation needs a key so that a repetition is recognised."""

    code = "idempotency_key_missing"
    status = 400
    title = Text("缺少可用的幂等键", "There is no usable idempotency key")
    sentence = Text(
        "请在 Idempotency-Key 请求头中给出 8 至 128 个字符的唯一键。",
        "Send a unique key of 8 to 128 characters as Idempotency-Key.",
    )


class IdempotencyKeyReused(Problem):
    """The same key with another request."""

    code = "idempotency_key_reused"
    status = 422
    title = Text("幂等键已被使用", "The idempotency key was used before")
    sentence = Text(
        "该幂等键已用于不同的请求，请使用新的键。",
        "This key belongs to a different request; use a new one.",
    )


class StillRunning(Problem):
    """The first request with this key has not ended."""

    code = "still_running"
    status = 409
    title = Text("请求仍在处理", "Still running")
    sentence = Text(
        "相同幂等键的请求仍在处理，请稍后重试。", "The request with this key still runs; try again."
    )

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class PreconditionMissing(Problem):
    """A change needs the version it was decided on."""

    code = "precondition_missing"
    status = 428
    title = Text("缺少版本条件", "The precondition is missing")
    sentence = Text(
        "请在 If-Match 请求头中给出读取时的 ETag。", "Send the ETag you read as If-Match."
    )


class PreconditionFailed(Problem):
    """Somebody changed it since it was read."""

    code = "precondition_failed"
    status = 412
    title = Text("版本已变化", "It has changed")
    sentence = Text(
        "该对象已被修改，请重新读取后再试。", "It was changed since you read it; read it again."
    )


class TooManyRequests(Problem):
    """The rate limit."""

    code = "too_many_requests"
    status = 429
    title = Text("请求过于频繁", "Too many requests")
    sentence = Text("请在 {seconds} 秒后重试。", "Try again in {seconds} seconds.")

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds=seconds, headers={"Retry-After": str(seconds)})


class TooManyStreams(Problem):
    """The user has as many streams open as one may."""

    code = "too_many_streams"
    status = 429
    title = Text("打开的事件流过多", "Too many streams")
    sentence = Text(
        "每位用户最多同时打开 {limit} 个事件流；请关闭其他页面后重试。",
        "At most {limit} streams may be open per user; close another one and try again.",
    )

    def __init__(self, limit: int) -> None:
        super().__init__(limit=limit, headers={"Retry-After": "10"})


class Overloaded(Problem):
    """More requests in flight than this process serves well."""

    code = "overloaded"
    status = 503
    title = Text("系统繁忙", "Busy")
    sentence = Text("系统繁忙，请稍后重试。", "Too many requests are in flight; try again shortly.")

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class DatabaseUnavailable(Problem):
    """PostgreSQL did not answer in time."""

    code = "database_unavailable"
    status = 503
    title = Text("数据库不可用", "The database does not answer")
    sentence = Text(
        "数据库暂时不可用，请稍后重试。", "The database does not answer; try again shortly."
    )

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "5"})


class NothingPublished(Problem):
    """No business date has been published yet."""

    code = "nothing_published"
    status = 503
    title = Text("尚无已发布的数据", "Nothing is published yet")
    sentence = Text(
        "批处理尚未发布任何业务日期的数据，请稍后重试。",
        "The batch has not published a business date yet; try again after its first run.",
    )

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "60"})


class InternalError(Problem):
    """A fault of ours; the log has it under the request id."""

    code = "internal_error"
    status = 500
    title = Text("内部错误", "Internal error")
    sentence = Text(
        "系统内部错误；报告问题时请提供 request_id。",
        "Something failed on our side; report the request_id.",
    )


def render(problem: Problem, scope: AsgiScope) -> Response:
    """The response for a problem that happened on an ASGI request."""
    headers = dict(scope.get("headers") or ())
    language = languages.choose(headers.get(b"accept-language", b"").decode("latin-1"))
    request_id = scope.get("state", {}).get("request_id", "")
    return Response(
        to_json(problem.body(language, scope["path"], request_id)),
        problem.status,
        media_type=MEDIA_TYPE,
        headers={
            "Content-Language": language,
            "Cache-Control": "no-store",
            "Vary": "Accept-Language",
            **problem.headers,
        },
    )
