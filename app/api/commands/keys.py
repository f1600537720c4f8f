"""`segserve keys`: keys of the API."""

import click


@click.group()
def keys() -> None:
    """Make keys of the API.

    \b
    Example:
      segserve keys new laptop --scope segment 2>> keys.toml
    """


@keys.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(["segment", "admin", "metrics"]),
    multiple=True,
    required=True,
    help="What it is for; given again, for that as well.",
)
@click.option("--requests-per-second", type=float, help="Most requests in the long run, of each replica.  [any number]")
@click.option("--burst", type=int, help="How many of them at once.  [those of a second]")
@click.option("--pixels-per-second", type=float, help="Most pixels of its pictures, likewise.  [any number]")
def new(name: str, scopes: tuple[str, ...], **limits: float | None) -> None:
    """Make a key and print it.

    The key goes to standard output, once: nothing keeps it. The entry to add to the file that SEGSERVE_API_KEYS_FILE
    names, or to SEGSERVE_API_KEYS, goes to standard error; the key cannot be found from it.

    \b
    Examples:
      segserve keys new camera-7 --scope segment --requests-per-second 5 --pixels-per-second 20e6
      segserve keys new prometheus --scope metrics 2>> keys.toml > prometheus.key

    \b
    Exit codes: 0 done, 2 wrong use.
    """
    from app.api.key_entries import checked_entries, digest, entry_text, new_key
    from app.core.errors import ConfigurationError

    key = new_key()
    fields = {"sha256": digest(key.encode()), "scopes": scopes, **limits}
    try:
        entries = checked_entries({name: fields}, "key")
    except ConfigurationError as error:
        raise click.UsageError(error.detail) from error
    click.echo(entry_text(name, entries[name]), err=True)
    click.echo(key)
