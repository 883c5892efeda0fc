"""Reports on how a run was made: settings, training, environment and commands."""

from collections.abc import Sequence
from dataclasses import replace

from fer_core.evaluation import setting_texts
from fer_core.reports.charts import learning_charts
from fer_core.reports.material import Material, public
from fer_core.reports.parts import Charts, Commands, Paragraph, Part, Table
from fer_core.runs import RECIPES, SETTINGS, Run, TrainConfig, recipe_title, training_commands
from fer_core.text import counted

_NAMES = {
    "fer_studio": "FER Studio",
    "python": "Python",
    "platform": "System",
    "keras": "Keras",
    "backend": "Backend",
    "devices": "Devices",
    "precision": "Precision",
    "seed": "Seed",
    "fingerprint": "Fingerprint of images, labels and splits (SHA-256)",
}


def settings_parts(run: Run) -> list[Part]:
    """Returns the settings of a run, or how else its model was made."""
    if not run.config.is_trained:
        return _made_otherwise(run)
    return config_parts(replace(run.config, epochs=max(1, run.goal.epochs)))


def config_parts(config: TrainConfig, without: Sequence[str] = ()) -> list[Part]:
    """Returns settings, first those that differ from the recipe's.

    Args:
        without: names of settings to leave out.
    """
    hidden = {SETTINGS[name].label for name in without}
    ours = setting_texts(config)
    recipe = RECIPES.get(config.recipe)
    if recipe is None:
        return [Table("Settings", ("Setting", "Value"), _rows(ours), texts=True)]
    theirs = setting_texts(replace(recipe.config, dataset=config.dataset))
    ours = {name: text for name, text in ours.items() if name not in hidden}
    different = {name: text for name, text in ours.items() if text != theirs[name]}
    same = {name: text for name, text in ours.items() if name not in different}
    parts: list[Part] = [Paragraph(f"Recipe: {recipe.title}. {recipe.description}")]
    if different:
        rows = [(name, public(text), theirs[name]) for name, text in different.items()]
        header = ("Setting", "This run", "Recipe")
        parts.append(Table("Settings that differ from the recipe", header, rows, texts=True))
    else:
        parts.append(Paragraph("No setting differs from the recipe."))
    parts.append(Table("All other settings", ("Setting", "Value"), _rows(same), texts=True))
    return parts


def _rows(texts: dict[str, str]) -> list[tuple[str, str]]:
    return [(name, public(text)) for name, text in texts.items()]


def _made_otherwise(run: Run) -> list[Part]:
    """Describes an ensemble or an imported model."""
    if (ensemble := run.ensemble) is not None:
        rows = [
            (
                member.name,
                f"{member.weight:.1%}",
                f"{member.correct / ensemble.images:.1%}",
                f"{member.correct_without / ensemble.images:.1%}",
                f"{member.p_value:.3f}",
            )
            for member in ensemble.members
        ]
        header = ("Member", "Weight", "Accuracy alone", "Accuracy without it", "p (McNemar)")
        said = f"An ensemble of {counted(len(rows), 'run')} with {ensemble.weighting} weights."
        return [
            Paragraph(f"{said} {ensemble.remark}".strip()),
            Table("Members, on validation", header, rows),
        ]
    if (imported := run.imported) is not None:
        said = (
            f"Another program trained the model. It was imported from {imported.file} "
            f"({imported.format}, SHA-256 {imported.sha256}), taking {imported.color} pixels "
            f"scaled as {imported.scaling}."
        )
        return [Paragraph(said), *map(Paragraph, imported.warnings)]
    return [Paragraph("The run does not record how its model was made.")]


def training_parts(material: Material) -> list[Part]:
    """Returns the learning curves and how long training took."""
    run = material.run
    history, result = run.history, run.result
    if not run.config.is_trained:
        return []
    if not len(history):
        return [Paragraph("No epoch is complete yet.")]
    minutes = float(history["seconds"].sum()) / 60
    best = result.best_epoch if result else None
    said = f"{counted(len(history), 'epoch')} in {minutes:,.1f} minutes"
    if best is not None:
        said += f"; the weights are of epoch {best + 1}, the best on the validation split"
    return [Paragraph(f"{said}."), Charts(learning_charts(history, best))]


def environment_parts(run: Run) -> list[Part]:
    """Returns versions, device and fingerprint."""
    environment = run.environment
    if not environment:
        return [Paragraph("The environment was not recorded.")]
    rows = []
    for name, value in environment.items():
        text = ", ".join(value) if isinstance(value, list) else str(value)
        rows.append((_NAMES.get(name, name), public(text)))
    return [Table("As recorded at the start of training", ("Item", "Value"), rows, texts=True)]


def command_parts(run: Run) -> list[Part]:
    """Returns the commands that make the run, its scores and this report again."""
    config: TrainConfig = run.config
    lines = []
    if config.is_trained and config.recipe in RECIPES and config.dataset:
        lines += [public(command) for command in training_commands(run)]
    split = "test" if run.test_opened else "val"
    if run.model_file is not None:
        lines.append(f"python -m fer_core evaluate {run.id} --split {split}")
    lines.append(f"python -m fer_core report {run.id}")
    said = (
        f"The dataset {config.dataset} must be in the workspace, with the fingerprint above."
        if config.dataset
        else "The run names no dataset."
    )
    kept = "Deterministic training gives the same weights on the same machine and versions."
    note = f"{said} {kept}" if config.is_trained and config.deterministic else said
    return [Commands(lines), Paragraph(note)]


def title_of(run: Run) -> str:
    """Returns the run's name, or its recipe and dataset."""
    if run.notes.name:
        return run.notes.name
    kind = "Ensemble" if run.config.family == "ensemble" else recipe_title(run.config)
    return f"{kind} on {run.config.dataset}" if run.config.dataset else kind
