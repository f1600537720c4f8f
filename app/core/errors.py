"""Domain errors: each class has a stable `code`; its message is safe to show to a client.

Which HTTP status a class becomes stands in one place, `app.api.errors`.
"""

from typing import ClassVar


class SegserveError(Exception):
    """Base of all errors of this project.

    Args:
        detail: what happened and what to do about it, safe to show to a client.
    """

    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class ConfigurationError(SegserveError):
    """A setting, device or model that was asked for cannot be had: the process ends."""

    code = "configuration_error"
    title = "Configuration error"


# Pictures -----------------------------------------------------------------------------------------


class ImageError(SegserveError):
    """Base of what can be wrong with a picture."""


class EmptyImageError(ImageError):
    """No bytes arrived where a picture was expected."""

    code = "empty_image"
    title = "No picture"


class InvalidImageError(ImageError):
    """The bytes are not a picture, or a broken one."""

    code = "invalid_image"
    title = "Not a readable picture"


class UnsupportedImageError(ImageError):
    """A picture of a kind that is not decoded here."""

    code = "unsupported_image"
    title = "Unsupported kind of picture"


class ImageTooLargeError(ImageError):
    """More bytes or pixels than the limits allow."""

    code = "image_too_large"
    title = "Picture too large"


class DecodeTimeoutError(ImageError):
    """The picture takes longer to decode than it may."""

    code = "decode_timeout"
    title = "Picture takes too long to decode"


# Requests -----------------------------------------------------------------------------------------


class RequestError(SegserveError):
    """Base of what can be wrong with a request beside its picture."""


class UnauthorizedError(RequestError):
    """The request carries no valid key."""

    code = "unauthorized"
    title = "Key required"


class ForbiddenError(RequestError):
    """The request carries a valid key, but one that is not for this."""

    code = "forbidden"
    title = "Forbidden"


class TooManyRequestsError(RequestError):
    """The key of the request has used up what it may at the moment.

    Args:
        detail: what it has used up.
        retry_after: seconds after which it may again.
    """

    code = "too_many_requests"
    title = "Too Many Requests"

    def __init__(self, detail: str, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class NotFoundError(RequestError):
    """Nothing is served at this path."""

    code = "not_found"
    title = "Not Found"


class MalformedRequestError(RequestError):
    """The body is not what its headers say."""

    code = "malformed_request"
    title = "Malformed request"


class MissingFileError(RequestError):
    """A multipart form without a `file` part."""

    code = "missing_file"
    title = "No file in the form"


class UrlNotAllowedError(RequestError):
    """A picture by reference where that is off, or from where nothing may be fetched."""

    code = "url_not_allowed"
    title = "URL not allowed"


class PictureNotFetchedError(RequestError):
    """A picture by reference that does not come from where its URL says."""

    code = "picture_not_fetched"
    title = "Picture not fetched"


class TooManyPartsError(RequestError):
    """A multipart form with more parts than allowed."""

    code = "too_many_parts"
    title = "Too many parts"


class InvalidParameterError(RequestError):
    """A parameter has a value that it cannot have.

    Args:
        parameter: name of the parameter.
        detail: what is wrong with it.
    """

    code = "invalid_parameter"
    title = "Invalid parameter"

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__(f"{parameter}: {detail}")
        self.parameter = parameter


class NotSupportedError(RequestError):
    """A part of a protocol that this service does not have."""

    code = "not_supported"
    title = "Not supported"


class NotAcceptableError(RequestError):
    """No representation that the client accepts."""

    code = "not_acceptable"
    title = "Not acceptable"


class AnswerTooLargeError(RequestError):
    """The answer or its working memory would pass the limit."""

    code = "answer_too_large"
    title = "Answer too large"


class RequestTimeoutError(RequestError):
    """The body did not arrive in time."""

    code = "request_timeout"
    title = "Request took too long to arrive"


class OverloadedError(RequestError):
    """More work at a time than the service takes on.

    Args:
        detail: what there is too much of.
        retry_after: seconds after which a place will probably be free.
    """

    code = "overloaded"
    title = "Too many requests at a time"

    def __init__(self, detail: str, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class DecodersStalledError(RequestError):
    """Every thread has been decoding one picture for too long: only a restart helps."""

    code = "decoders_stalled"
    title = "Nothing left to decode with"


class DeadlineExceededError(RequestError):
    """The answer was not there when the client's deadline was."""

    code = "deadline_exceeded"
    title = "Deadline exceeded"


# Models and their store ---------------------------------------------------------------------------


class ModelError(SegserveError):
    """Base of what can be wrong with a model."""


class ModelNotFoundError(ModelError):
    """No model, version or alias of that name."""

    code = "model_not_found"
    title = "Unknown model"


class ModelNotLoadedError(ModelError):
    """A version that is in the store but not in memory."""

    code = "model_not_loaded"
    title = "Model not loaded"


class ModelUnusableError(ModelError):
    """A version that is in the store, but cannot be loaded here."""

    code = "model_unusable"
    title = "Model cannot be loaded"


class ModelInUseError(ModelError):
    """The default model cannot be unloaded."""

    code = "model_in_use"
    title = "Model in use"


class PoolFullError(ModelError):
    """No room for another model in memory."""

    code = "pool_full"
    title = "No room for another model"


class ModelNotReadyError(ModelError):
    """The model is still loading, or the service is going down."""

    code = "model_not_ready"
    title = "Model not ready"


class EngineStalledError(ModelError):
    """The engine has not finished a picture for too long: only a restart helps."""

    code = "engine_stalled"
    title = "Engine stalled"


class InferenceError(ModelError):
    """The engine failed on a picture that was in order."""

    code = "inference_failed"
    title = "Inference failed"


class StoreError(ModelError):
    """Base of what can be wrong with the model store."""


class CorruptVersionError(StoreError):
    """A version's files do not match its manifest."""

    code = "corrupt_version"
    title = "Corrupt model version"


class AliasConflictError(StoreError):
    """An alias has changed meanwhile, or still points at a version that is to be deleted."""

    code = "alias_conflict"
    title = "Alias conflict"


class StoreUnavailableError(StoreError):
    """The store, or a file of its own bookkeeping, cannot be read or written."""

    code = "store_unavailable"
    title = "Model store unavailable"


class PublishError(StoreError):
    """A version was refused, or could not be written whole; the store is as before."""

    code = "publish_failed"
    title = "Not published"


# Training -----------------------------------------------------------------------------------------


class DataError(SegserveError):
    """Labelled data that cannot be used.

    Args:
        problems: one line for each file: its name and what is wrong with it.
    """

    code = "invalid_data"
    title = "Invalid training data"

    def __init__(self, problems: list[str]) -> None:
        super().__init__(f"{len(problems)} problem(s) in the data:\n" + "\n".join(problems))
        self.problems = tuple(problems)


class TrainingError(SegserveError):
    """A run that cannot start, go on or be evaluated as asked."""

    code = "training_failed"
    title = "Training failed"


# Jobs ---------------------------------------------------------------------------------------------


class JobError(SegserveError):
    """A job that cannot start or go on; what it has done is kept."""

    code = "job_failed"
    title = "Job failed"


class FileUnreadableError(JobError):
    """A file of a job that cannot be read, or that is gone; the others are not touched."""

    code = "file_unreadable"
    title = "File cannot be read"


class AnswerUnwritableError(JobError):
    """An answer whose file cannot have its name; the others are not touched."""

    code = "answer_unwritable"
    title = "Answer cannot be written"
