"""The command ``space deploy``: the studio to a Space on the Hub. Nothing is printed here."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from psp.config import Settings

if TYPE_CHECKING:
    from psp.publish.space_plan import SpacePlan

_REFUSED = (
    "Binaries go by the Hub's upload API (Xet); a plain `git push` of this repository is refused for them."
)


def add_space(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], report: Callable[[str], None]
) -> None:
    """Add the command to ``commands``; parsed options get a ``run`` to call with them.

    Args:
        commands: What ``ArgumentParser.add_subparsers`` returned.
        report: Called with every line to show.
    """
    about = "Put the studio on the Hugging Face Hub, as a Space."
    kinds = commands.add_parser("space", help=about, description=about).add_subparsers(
        required=True, metavar="deploy"
    )
    about = "Create a Space of this checkout, or bring one up to date, in one commit."
    deploy = kinds.add_parser("deploy", help=about, description=f"{about} {_REFUSED}")
    deploy.add_argument("space", metavar="OWNER/NAME", help="the Space; made if it is not there")
    deploy.add_argument("--hardware", help="zero-a10g, cpu-basic, … (as it is; of a new Space: cpu-basic)")
    deploy.add_argument("--private", action="store_true", help="make a Space that only you can see")
    deploy.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="NAME",
        help="give the Space a secret; its value is taken from the environment, and never shown",
    )
    deploy.add_argument(
        "--variable", action="append", default=[], metavar="NAME=VALUE", help="set what everybody may read"
    )
    deploy.add_argument(
        "--preload",
        action="append",
        default=[],
        metavar="FAMILY",
        help="have the Space built with models from the Hub, such as ffhq-1024",
    )
    deploy.add_argument("--message", default="Deploy pSp Studio", help="of the commit (Deploy pSp Studio)")
    deploy.add_argument(
        "--dry-run", action="store_true", help="show what would be uploaded, and the card's front matter"
    )
    deploy.set_defaults(run=lambda options: _deploy(options, report))


def _deploy(options: argparse.Namespace, report: Callable[[str], None]) -> None:
    from psp.publish.checkout import checkout_root  # noqa: PLC0415  (only this command needs it)
    from psp.publish.space import deploy  # noqa: PLC0415  (only this command needs it)
    from psp.publish.space_plan import CARD, plan_space  # noqa: PLC0415  (only this command needs it)

    plan = plan_space(
        checkout_root(),
        options.space,
        hardware=options.hardware,
        private=options.private,
        secrets=options.secret,
        variables=options.variable,
        preload=options.preload,
    )
    _tell(plan, options.dry_run, report)
    if options.dry_run:
        report("\n" + plan.texts[CARD].partition("\n---\n")[0] + "\n---")
        return
    done = deploy(plan, Settings.from_env(), os.environ, options.message)
    gone = f", {len(done.deleted)} files of an earlier state are gone" if done.deleted else ""
    report(f"{'created' if done.created else 'updated'} {done.url}, commit {done.commit}{gone}")


def _tell(plan: SpacePlan, dry: bool, report: Callable[[str], None]) -> None:
    """Say what goes; of secrets no more than their names."""
    from psp.checkpoints.card import size_words  # noqa: PLC0415  (only this command needs it, and torch)

    for note in plan.notes:
        report(f"note: {note}")
    sizes = plan.sizes()
    seen = "private" if plan.private else "public, unless it is private already"
    report(f"{'would upload' if dry else 'uploading'} to the Space {plan.repo} ({seen}):")
    if dry:
        for name, size in sizes.items():
            report(f"  {name:<72}{size_words(size):>12}")
    report(f"  {len(sizes)} files, {size_words(sum(sizes.values()))}")
    report(f"hardware: {plan.hardware or 'as it is; cpu-basic for a new Space'}")
    if plan.secrets:
        report(f"secrets, from the environment: {', '.join(plan.secrets)}")
    for name, value in plan.variables.items():
        report(f"variable: {name}={value}")
