"""What can be wrong with the settings, found before the service listens."""

from app.core.errors import ConfigurationError, ModelNotFoundError, StoreError
from app.core.settings import Settings
from app.inference.openvino_runtime import require_precision
from app.inference.selection import EngineSelection, choose_engine
from app.store.manifest import Manifest
from app.store.repository import ModelStore


def check_configuration(settings: Settings) -> EngineSelection:
    """Checks what is cheap to check: store, default model, engine, device, precision. Reads no weights.

    Returns:
        the engine that `load_model` will choose for the default model.

    Raises:
        ConfigurationError: it says what is wrong and what there is instead.
    """
    selection = choose_engine(settings, _default_manifest(settings).files)
    if selection.engine == "openvino":
        require_precision(settings.precision)
    return selection


def _default_manifest(settings: Settings) -> Manifest:
    """The manifest of the default model; the files that it names are not read."""
    if not settings.model_store.is_dir():
        raise ConfigurationError(f"model_store: there is no folder {settings.model_store}")
    store = ModelStore(settings.model_store)
    try:
        return store.manifest(store.resolve(settings.model))
    except ModelNotFoundError as error:
        known = ", ".join(store.names()) or "nothing"
        raise ConfigurationError(f"model: {error.detail}; {settings.model_store} holds {known}") from error
    except StoreError as error:
        raise ConfigurationError(f"model: {error.detail}") from error
