"""Reports on the images that a run was trained and evaluated on."""

import pandas as pd

from fer_core.datasets import (
    GROUP_NOUNS,
    describe_confirmed,
    describe_corrections,
    describe_groups,
    images_per_group,
    imbalance,
    with_totals,
)
from fer_core.datasets.quality import DESCRIPTIONS
from fer_core.reports.charts import class_chart, group_chart
from fer_core.reports.material import Material, public
from fer_core.reports.parts import Charts, Paragraph, Part, Points, Table
from fer_core.text import SPLIT_NAMES, counted


def data_parts(material: Material, *, with_splits: bool = True) -> list[Part]:
    """Returns counts, subjects, how the dataset was made, corrections and quality findings.

    Args:
        with_splits: tells counts by split, which the runs of folds do not share.
    """
    return [
        *_origin(material),
        *(_counts(material.run.counts) if with_splits else []),
        *_groups(material, with_splits),
        *_corrections(material),
        *_quality(material),
    ]


def _origin(material: Material) -> list[Part]:
    name, dataset = material.run.config.dataset, material.dataset
    if not name:
        return [Paragraph("The run records no dataset.")]
    if dataset is None:
        return [Paragraph(f"Dataset: {name}. It could not be read on this machine any more.")]
    parts: list[Part] = [Paragraph(f"Dataset: {name} ({dataset.layout}).")]
    if dataset.notes:
        parts.append(Points([public(note) for note in dataset.notes]))
    return parts


def _counts(counts: pd.DataFrame) -> list[Part]:
    if counts.empty:
        return []
    totals = with_totals(counts)
    header = ["Class", *(SPLIT_NAMES.get(name, name) for name in counts), "Total"]
    rows = [
        (str(name).capitalize() if name == "total" else str(name), *(f"{n:,.0f}" for n in row))
        for name, row in zip(totals.index, totals.to_numpy(), strict=True)
    ]
    table = Table("Images used, by class and split", header, rows)
    return [table, Paragraph(imbalance(counts)), Charts([class_chart(counts)])]


def _groups(material: Material, with_splits: bool) -> list[Part]:
    """Describes subjects and sequences, over all splits and in each."""
    index, parts = material.index, list[Part]()
    if index is None:
        return []
    for column, (_, several) in GROUP_NOUNS.items():
        images = images_per_group(index, column)
        if not len(images):
            continue
        parts.append(Paragraph(describe_groups(images, column)))
        if with_splits:
            parts.append(_by_split(index, column, several))
        if images.nunique() > 1:  # else one bar
            parts.append(Charts([group_chart(images, several)]))
    return parts


def _by_split(index: pd.DataFrame, column: str, several: str) -> Table:
    pairs = index.loc[index[column] != "", [column, "split"]].drop_duplicates()
    is_shared = pairs.duplicated(column, keep=False)
    rows = [
        (SPLIT_NAMES[split], f"{int(inside.sum()):,}", f"{int((inside & is_shared).sum()):,}")
        for split in SPLIT_NAMES
        if (inside := pairs["split"] == split).any()
    ]
    header = ("Split", several.capitalize(), "Also in another split")
    return Table(f"{several.capitalize()} by split", header, rows)


def _corrections(material: Material) -> list[Part]:
    if material.corrections is None:
        return [Paragraph("Corrections: none were used.")]
    said = [describe_corrections(material.corrections), describe_confirmed(material.corrections)]
    return [Paragraph(f"Corrections: {', '.join(filter(None, said)) or 'none'}.")]


def _quality(material: Material) -> list[Part]:
    if material.findings is None:
        return []
    found = [finding for finding in material.findings if finding.images]
    if not found:
        return [Paragraph("The quality scan found no problem.")]
    rows = []
    for finding in found:
        text = DESCRIPTIONS[finding.kind]
        share = f"{finding.images / finding.of:.1%} of {finding.of:,} {text.population}"
        groups = counted(finding.group_count, "group") if finding.group_count else "–"
        rows.append((text.title, f"{finding.images:,}", share, groups))
    header = ("Finding", "Images", "Share", "Groups")
    return [Table("Findings of the quality scan, without excluded images", header, rows)]
