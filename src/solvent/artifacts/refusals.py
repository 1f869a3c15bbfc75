"""What an object store or its driver complains about, in the user's words, and whether it may pass by itself."""

from __future__ import annotations

import os
from collections.abc import Iterator

from solvent.artifacts.addresses import AZURE, S3, Address, shown
from solvent.errors import StoreError

_PASSING_CODES = {
    "500", "502", "503", "504", "408", "429", "409", "InternalError", "ServiceUnavailable", "SlowDown", "RequestTimeout",
    "ConditionalRequestConflict", "OperationAborted", "Throttling", "RequestTimeoutException", "IncompleteBody", "BadDigest",
    "XAmzContentSHA256Mismatch", "NoSuchUpload",
}  # fmt: skip
_PASSING_KINDS = {
    "HTTPClientError", "ConnectionError", "EndpointConnectionError", "ConnectionClosedError", "ConnectTimeoutError",
    "ReadTimeoutError", "ResponseStreamingError", "IncompleteReadError", "ResponseParserError", "ClientPayloadError",
    "ClientConnectionError", "ServerDisconnectedError", "ClientOSError", "FSTimeoutError", "TimeoutError",
    "IncompleteRead", "ServiceRequestError", "ServiceResponseError", "TransportError", "ConnectionResetError",
    "BrokenPipeError", "ConnectionRefusedError", "ConnectionAbortedError", "ClientConnectorError",
}  # fmt: skip
_UNREACHABLE_KINDS = {
    "EndpointConnectionError", "ConnectTimeoutError", "ClientConnectorError", "ConnectionRefusedError",
    "ServiceRequestError", "ConnectionClosedError", "ReadTimeoutError", "HTTPClientError", "ServerDisconnectedError",
    "ResponseStreamingError", "ClientPayloadError", "IncompleteReadError", "ConnectionResetError", "TimeoutError",
    "FSTimeoutError", "ClientOSError",
}  # fmt: skip
_CREDENTIALS = (
    "check the access key and the secret: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ~/.aws and AWS_PROFILE"
)
_AZURE_CREDENTIALS = (
    "check AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or AZURE_STORAGE_CONNECTION_STRING"
)
_GCS_CREDENTIALS = "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS"


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Go from an error to what caused it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def code_of(error: BaseException) -> str:
    """Give the code that the server answered with, as it names it, or nothing."""
    for each in causes(error):
        response = getattr(each, "response", None)
        if isinstance(response, dict) and response.get("Error", {}).get("Code"):
            return str(response["Error"]["Code"])
        code = getattr(each, "error_code", None) or getattr(each, "code", None) or getattr(each, "status_code", None)
        # What the HTTP library itself calls a code is about broken messages, not an answer.
        if isinstance(code, int | str) and code and not type(each).__module__.startswith("aiohttp"):
            return str(getattr(code, "value", code))
    return ""


def is_existing(error: BaseException) -> bool:
    """Whether a write that must not replace anything was refused because the object is there."""
    if isinstance(error, FileExistsError):
        return True
    return code_of(error) in ("PreconditionFailed", "412", "BlobAlreadyExists", "conditionNotMet")


def is_passing(error: BaseException) -> bool:
    """Whether trying again may help: a cut connection, a server that is busy or starting."""
    code = code_of(error)
    if code in _PASSING_CODES:
        return True
    return not code and any(_kinds(each) & _PASSING_KINDS for each in causes(error))


def is_lost_write(error: BaseException) -> bool:
    """Whether a write was told that something is not there, other than its bucket: an upload that the server lost."""
    if code_of(error) in ("NoSuchBucket", "ContainerNotFound"):
        return False
    return any(isinstance(each, FileNotFoundError) for each in causes(error))


def refusal(error: BaseException, address: Address, verb: str, tried_seconds: float) -> StoreError:
    """Say in words why the store can't be used; no secret is in them."""
    problem, hint = _named(code_of(error), address) or _unnamed(error, address, verb, tried_seconds)
    hint = hint.replace("{again}", "what was committed is safe, and running again goes on from there")
    return StoreError(f"the artifact store {address.shown} {problem}", where="setting `artifacts`", hint=hint)


def _named(code: str, address: Address) -> tuple[str, str] | None:
    """Give problem and way out for the codes that servers have in common."""
    credentials = _CREDENTIALS if address.driver is S3 else _AZURE_CREDENTIALS
    if address.driver.protocol == "gs":
        credentials = _GCS_CREDENTIALS
    bucket = address.bucket
    noun = "container" if address.driver is AZURE else "bucket"
    known = {
        ("NoSuchBucket", "ContainerNotFound"): (
            f"is not there: no {noun} {bucket!r}",
            f"create the {noun}, or correct its name in the URL",
        ),
        ("InvalidBucketName", "InvalidResourceName"): (
            f"is not there: {bucket!r} is no valid name of a {noun}",
            "a name has 3 to 63 small letters, digits and hyphens",
        ),
        ("InvalidAccessKeyId", "InvalidClientTokenId"): ("does not know the access key that was sent", credentials),
        ("SignatureDoesNotMatch", "AuthenticationFailed", "InvalidAuthenticationInfo"): (
            "refused the credentials: the secret does not fit the access key",
            credentials,
        ),
        ("ExpiredToken", "TokenRefreshRequired", "InvalidToken"): (
            "refused the credentials: they have expired",
            "get new ones, for example with `aws sso login`, and run again",
        ),
        ("RequestTimeTooSkewed",): (
            "refused the request: this machine's clock is wrong",
            "set the clock and run again",
        ),
        ("AccessDenied", "AllAccessDisabled", "403", "AuthorizationFailure", "AuthorizationPermissionMismatch"): (
            "may not be used with these credentials: access denied",
            f"ask its owner for the right to list, read and write objects in {address.shown}, or {credentials}",
        ),
        ("PermanentRedirect", "301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"): (
            "is in another region",
            "set AWS_REGION, or write ?region=NAME at the end of the URL",
        ),
        ("InternalError", "ServiceUnavailable", "500", "502", "503", "504"): (
            "answers that something is wrong with it",
            "look at the server: it may be full, or starting; {again}",
        ),
        ("QuotaExceeded", "InsufficientStorage", "507"): ("has no room left", "make room there; {again}"),
    }
    return next((words for codes, words in known.items() if code in codes), None)


def _unnamed(error: BaseException, address: Address, verb: str, tried_seconds: float) -> tuple[str, str]:
    kinds = {name for each in causes(error) for name in _kinds(each)}
    if str(error).startswith("Forbidden"):
        return _named("403", address) or ("", "")
    if "ProfileNotFound" in kinds:
        return (
            f"needs credentials: {masked(_last(error), address)}",
            "correct AWS_PROFILE, or add the profile to ~/.aws",
        )
    if kinds & {"NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError"}:
        hint = _GCS_CREDENTIALS if address.driver.protocol == "gs" else _CREDENTIALS
        return "needs credentials and none were found", hint
    if kinds & {"NoRegionError"}:
        return "needs a region", "set AWS_REGION, or write ?region=NAME at the end of the URL"
    if kinds & {"SSLError", "ClientConnectorCertificateError", "ClientConnectorSSLError"}:
        return "can't be trusted: its certificate was refused", "check the endpoint, or name your CA in AWS_CA_BUNDLE"
    if is_passing(error) and kinds & _UNREACHABLE_KINDS:
        where = endpoint(address)
        named = (
            "AWS_ENDPOINT_URL, or ?endpoint_url= in the URL" if address.driver is S3 else "?endpoint_url= in the URL"
        )
        return (
            f"can't be reached{f' at {where}' if where else ''}: no connection in {tried_seconds:.0f} s",
            f"check the network and the endpoint ({named}); {{again}}",
        )
    if code_of(error) in ("404", "NoSuchKey") or kinds & {"FileNotFoundError"}:
        return (f"can't {verb}: no such bucket or folder", "check the bucket's name in the URL")
    if kinds & {"ParamValidationError", "ValueError", "TypeError"}:
        return f"can't be opened: {masked(_last(error), address)}", "check the URL and the options after its ?"
    return f"can't {verb}: {masked(_last(error), address)}", "run `solvent doctor`; {again}"


def endpoint(address: Address) -> str:
    """Give the endpoint in use as it may be shown, or nothing for that of the cloud itself."""

    given = address.options.get("endpoint_url") or address.options.get("client_kwargs", {}).get("endpoint_url")
    if address.driver is S3:
        given = given or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return shown(str(given)) if given else ""


def masked(text: str, address: Address) -> str:
    """Take what is secret out of a text that a driver wrote."""
    names = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "AZURE_STORAGE_ACCOUNT_KEY")
    more = ("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_SAS_TOKEN")
    secrets = [os.environ.get(name, "") for name in (*names, *more)]
    secrets += [str(value) for name, value in address.options.items() if name not in ("endpoint_url", "anon")]
    for each in secrets:
        if len(each) >= 4:
            text = text.replace(each, "***")
    return text


def _last(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    return " ".join(text.split())[:300]


def _kinds(error: BaseException) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}
