"""Options of several commands of training."""

import click

from app.core.command_line import PathOption

LAYOUT_CHOICES = ("auto", "oxford", "folder", "coco", "voc")
"""Written out, so that help needs none of the code that reads them."""

data_option = click.option(
    "--data",
    type=PathOption,
    multiple=True,
    required=True,
    help="Folder of labelled pictures; given again, they are joined.",
)
layout_option = click.option(
    "--layout",
    type=click.Choice(LAYOUT_CHOICES),
    default="auto",
    show_default=True,
    help="How these folders are laid out.",
)
