"""`ocrm migrate`."""

import typer

from ocrm_api import migrate
from ocrm_api.commands import speaks

app = typer.Typer()


@app.command("migrate")
@speaks
def bring_up_to_date() -> None:
    """Bring schema ocrm to the version of this product."""
    typer.echo(f"Schema ocrm is at version {migrate.run()}.")
