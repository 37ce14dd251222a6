"""One evaluation: load the models, translate and measure pictures batch by batch, say what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from psp.checkpoints.face_network import load_face_network
from psp.checkpoints.find import find_file
from psp.checkpoints.load import load_psp
from psp.checkpoints.model_input import ModelInput, model_input
from psp.config import Settings
from psp.errors import SettingsError
from psp.evaluation import results
from psp.evaluation.generator import GENERATOR_HEADERS, SHEETS, generator_row, save_generator_sheets
from psp.evaluation.given import Given, preparation
from psp.evaluation.independent import SUFFIX, IndependentJudge
from psp.evaluation.kept import Measured
from psp.evaluation.measures import Ruler
from psp.evaluation.picture_batches import choose, read_batches
from psp.evaluation.pictures import FIGURES, MEASURES, Bench, figures_row
from psp.evaluation.table import HEADER, Report, Row, line, open_scores
from psp.evaluation.translate import Translator
from psp.files.saving import begins_with, is_sheet, require_own
from psp.inference.quality import lpips_network
from psp.models.irse import FaceNetwork
from psp.models.psp import PSP
from psp.registry.lookup import AUXILIARY, BUNDLED, file_on_disk, has_model
from psp.training.data.pairs import pair_sources
from psp.training.data.sources import Source, open_source, open_sources
from psp.training.galleries import Firsts

_SHOWN = 36


@dataclass(frozen=True)
class Evaluation:
    """What to measure.

    Attributes:
        task: One of ``psp.evaluation.names.TASKS``.
        model: A family's name, or the path of a file or folder.
        data: Folder of pictures or zip files with held-out pictures in ``val``; the originals of ``results``.
        device: Where to compute.
        settings: Say where models are.
        pictures: At most so many a source; None: all, or 2,000 random faces.
        sheets: Folder for picture sheets; None: none are made.
        everything: Measure all pictures, whether or not they lie in ``val``.
        results: Folder or zip file of results that are there already; no model is run. None: there are none.
        csv: File for the figures of every picture; None: none is made.
        batch: Pictures that are in memory at a time.
        inputs: Folder of what the encoder sees, with the names of ``data``; None: it is made of the pictures.
        for_card: Keep the means beside the model, one of the user's own, for its card on the Hub.
        identity_file: A face network, for cosines; None: the registry's, if it is here.
    """

    task: str
    model: str
    data: Path
    device: str
    settings: Settings
    pictures: int | None = None
    sheets: Path | None = None
    everything: bool = False
    results: Path | None = None
    csv: Path | None = None
    batch: int = 8
    identity_file: Path | None = None
    inputs: Path | None = None
    for_card: bool = False

    def load(self, task: str) -> PSP:
        """Return the model for ``task``: of the family, folder or file; else the bundled one."""
        own = task == self.own_task or has_model(self.model, task, self.settings)
        name = self.model if own else BUNDLED
        return load_psp(name, self.device, task=task, settings=self.settings)

    @property
    def own_task(self) -> str:
        """The task whose model is measured."""
        return "encode" if self.task == "generator" else self.task

    def firsts(self, count: int = _SHOWN) -> Firsts:
        """Return what keeps pictures for a sheet: none, where no sheets are wanted."""
        return Firsts(count if self.sheets is not None else 0)


def run(evaluation: Evaluation, report: Report) -> None:
    """Measure, and ``report`` tables line by line; sheets and the CSV file are written on the way.

    Raises:
        PspError: A model or the pictures are not there, or do not go with the task.
        OSError: A file cannot be written.
    """
    if evaluation.for_card and (evaluation.results is not None or evaluation.task == "generator"):
        raise SettingsError("Figures of results or random faces go on no card.", "Leave out --for-card.")
    if evaluation.results is not None:
        _run_results(evaluation, evaluation.results, report)
    elif evaluation.task == "generator":
        _run_generator(evaluation, report)
    else:
        _run_task(evaluation, report)


def _run_task(evaluation: Evaluation, report: Report) -> None:
    chosen = choose(_sources(evaluation, report), evaluation.everything, evaluation.pictures)
    _require_own(evaluation, *(_sheet_name(evaluation, pictures[0][0].name) for pictures in chosen))
    measured = (
        Measured.of(evaluation.model, evaluation.task, evaluation.settings) if evaluation.for_card else None
    )
    translate = Translator(_checked(evaluation))
    network, words = _face_network(evaluation)
    takes = _takes(evaluation, translate.model)
    ready = evaluation.inputs is not None
    prepare = preparation(evaluation.task, translate.model.config.encoder, takes, ready)
    kind = MEASURES[evaluation.task] if prepare is None else partial(Given, prepare=prepare)
    headers = MEASURES[evaluation.task].headers if prepare is None else Given.headers
    bench = Bench(
        translate,
        Ruler(lpips_network(), network),
        cache(lambda: Translator(evaluation.load("encode"), translate.size)),  # once for all sources
    )
    with open_scores(evaluation.csv, network is not None, seconds=True) as scores:
        rows: list[Row] = []
        for pictures in chosen:
            source = pictures[0][0]
            measure = kind(bench, evaluation.firsts(MEASURES[evaluation.task].shown))
            for part in read_batches(pictures, translate.size, evaluation.batch, prepare):
                for scored in measure.measure(part):
                    scores.add(source.name, part.names, scored)
            _save_sheet(evaluation, measure.firsts, source.name)
            fresh = [(source.name, *row) for row in measure.rows()]
            _report_rows(report, fresh, headers, first=not rows)
            rows += fresh
        scores.finish(report)
    report(words)
    if measured is not None:
        report(measured.keep(scores, "all" if evaluation.everything else "val", translate.size))


def _sources(evaluation: Evaluation, report: Report) -> tuple[Source, ...]:
    """Return the pictures, with their inputs where these lie ready; ``report`` what has no counterpart."""
    sources = open_sources(evaluation.data, report)
    if evaluation.inputs is None:
        return sources
    sources, unpaired = pair_sources(sources, open_sources(evaluation.inputs, report))
    for words in unpaired:
        report(f"left out, {words}")
    return sources


def _run_generator(evaluation: Evaluation, report: Report) -> None:
    if evaluation.csv is not None:
        raise SettingsError("Random faces have no originals, so they have no rows.", "Leave out --csv.")
    _require_own(evaluation, *SHEETS)
    sources = open_sources(evaluation.data, report)
    translate = Translator(_checked(evaluation))
    row = generator_row(translate, sources, evaluation.pictures, evaluation.batch, lpips_network())
    if evaluation.sheets is not None:
        save_generator_sheets(evaluation.sheets, translate, sources)
    _report_rows(report, [row], GENERATOR_HEADERS, first=True)


def _run_results(evaluation: Evaluation, folder: Path, report: Report) -> None:
    made, originals = open_source(folder, report), open_source(evaluation.data, report)
    _require_own(evaluation, _sheet_name(evaluation, made.name))
    paired = results.pair(made, originals)
    for words in results.lost_lines(paired):
        report(words)
    network, words = _face_network(evaluation)
    firsts = evaluation.firsts()
    with open_scores(evaluation.csv, network is not None, seconds=False) as scores:
        ruler = Ruler(lpips_network(), network)
        measured = results.measure_results(
            *(made, originals, paired, ruler, scores, firsts),
            count=evaluation.pictures,
            batch=evaluation.batch,
        )
        for index, (label, compared) in enumerate(measured):
            _report_rows(report, [(label, *figures_row(compared.figures()))], FIGURES, first=index == 0)
        scores.finish(report)
    _save_sheet(evaluation, firsts, made.name)
    report(words)


def _checked(evaluation: Evaluation) -> PSP:
    """Load the model of the task, and see that its input is the task's."""
    model = evaluation.load(evaluation.own_task)
    _takes(evaluation, model).require(evaluation.own_task, evaluation.model)
    return model


def _takes(evaluation: Evaluation, model: PSP) -> ModelInput:
    return model_input(model.config.encoder.in_channels, model.info, evaluation.model)


def _face_network(evaluation: Evaluation) -> tuple[FaceNetwork | IndependentJudge | None, str]:
    """Return the network for cosines, if one is on this machine, and what to say of it."""
    path, entry = evaluation.identity_file, AUXILIARY["identity"]
    if path is None and file_on_disk(entry, evaluation.settings) is not None:
        path = find_file(entry, evaluation.settings)  # checks the hash; it is here, so nothing is downloaded
    if path is None:
        return None, (
            "similarity is left out: there is no face network on this machine. Give the file of "
            f"CurricularFace or ArcFace with --identity, or put {entry.file} into PSP_WEIGHTS_DIR."
        )
    network: FaceNetwork | IndependentJudge
    if path.suffix == SUFFIX:
        network = IndependentJudge(path)
    else:
        network = load_face_network(path).to(evaluation.device)
    return network, f"similarity: cosine of {network.title} ({path.name}), 1 for the same face"


def _report_rows(report: Report, rows: Sequence[Row], headers: Sequence[str], *, first: bool) -> None:
    if first:  # not before an error
        report(line(("source", *headers), headers))
    for row in rows:
        report(line(row, headers))


def _save_sheet(evaluation: Evaluation, firsts: Firsts, name: str) -> None:
    """Write a sheet of the first results."""
    if evaluation.sheets is not None:
        firsts.save(evaluation.sheets / _sheet_name(evaluation, name))


def _sheet_name(evaluation: Evaluation, name: str) -> str:
    return f"{name}.jpg" if evaluation.task == "encode" else f"{evaluation.task}-{name}.jpg"


def _require_own(evaluation: Evaluation, *sheets: str) -> None:
    """Refuse, before anything is measured, to write over what no evaluation has made.

    Raises:
        SettingsError: A sheet or the table would do that.
    """
    if evaluation.csv is not None:
        require_own(evaluation.csv, begins_with(HEADER))
    if evaluation.sheets is not None:
        for name in sheets:
            require_own(evaluation.sheets / name, is_sheet)
